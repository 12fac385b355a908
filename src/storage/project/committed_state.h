// The state of a project that somebody else owns, or nobody: what an archive is made from by those
// who only read (G13). Takes no lock and changes nothing.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "platform/platform.h"
#include "storage/checkpoints/archive_source.h"
#include "storage/chunks/edit_watch.h"
#include "storage/files/project_folders.h"
#include "storage/files/text_settings.h"
#include "storage/project/replay_plan.h"
#include "store/store.h"

namespace safechunk {

// What is committed at one moment. An owner may change the files meanwhile: so all files are looked
// at, read where they are new, and looked at again, until nothing has changed between two looks.
// Then all texts are those of one moment, and the journal, which is read between these looks, tells
// what belongs to it and is not in the files yet: the rest of a transaction whose files an owner is
// replacing one after the other, or what an owner that is gone had accepted.
//
// The texts are copied, because the files may change again while the archive is written. The copies
// are in a file that has no name any more, so that nothing is left of them, whatever happens.
class CommittedState final : public ArchiveSource {
 public:
  // Where the file of the copies is made, and for a moment has a name.
  struct Scratch {
    Directory& folder;
    std::uint64_t token;  // random
  };
  // `mode_of_new`: of chunks that have no file yet. `progress` is called with nothing done, so that
  // it can cancel. Errors: locked when the project changes faster than it can be read; cancelled;
  // those of reading the folder or the journal, and of writing the copies.
  static Result<std::unique_ptr<CommittedState>> take(const ProjectFolders& folders,
                                                      Platform platform,
                                                      const TextSettings& settings,
                                                      EditWatch& watch, const Scratch& scratch,
                                                      std::uint32_t mode_of_new,
                                                      const ProgressHandler& progress);

  [[nodiscard]] const std::vector<std::string>& chunks() const override { return chunks_; }
  [[nodiscard]] const std::vector<std::string>& backups() const override { return no_backups_; }
  [[nodiscard]] Inspection read_chunk(const std::string& chunk) const override;
  [[nodiscard]] Result<std::string> read_backup(const std::string& chunk) const override;
  [[nodiscard]] std::uint32_t mode_of_chunk(const std::string& chunk) const override;
  [[nodiscard]] std::uint32_t mode_of_backup(const std::string& chunk) const override;

  // Chunks that are there and could not be read.
  [[nodiscard]] const std::set<std::string>& left_out() const { return left_out_; }
  // What is to be reported: chunks that were left out, or are there in an older version.
  [[nodiscard]] const std::vector<Status>& faults() const { return faults_; }

 private:
  struct Copy {
    std::optional<FileInfo> file;  // that was read; nothing: there was none
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint64_t room = 0;  // what may be written at `offset`
    std::uint32_t mode = 0;
    bool has_text = false;
    bool is_good = false;  // as the engine has written it
    Status fault;
  };
  using Look = std::map<std::string, std::optional<FileInfo>>;

  CommittedState(const ProjectFolders& folders, Platform platform, const TextSettings& settings,
                 EditWatch& watch, std::uint32_t mode_of_new, std::unique_ptr<File> copies)
      : folders_(folders),
        process_(platform.process),
        settings_(settings),
        watch_(watch),
        mode_of_new_(mode_of_new),
        copies_file_(std::move(copies)) {}

  Status settle(const ProgressHandler& progress);
  [[nodiscard]] Result<Look> look() const;
  [[nodiscard]] bool has_all_of(const Look& look) const;
  Status read_new(const Look& look, const ProgressHandler& progress);
  Status read(const std::string& chunk, const std::optional<FileInfo>& seen);
  Status store(Copy& copy, std::string_view text);
  Status apply(const WaitingUpdates& updates);
  void list();

  const ProjectFolders& folders_;
  Process& process_;
  const TextSettings settings_;
  EditWatch& watch_;
  const std::uint32_t mode_of_new_;
  const std::unique_ptr<File> copies_file_;
  std::uint64_t end_ = 0;  // of the copies
  std::map<std::string, Copy> copies_;
  std::vector<std::string> chunks_;
  const std::vector<std::string> no_backups_;
  std::set<std::string> left_out_;
  std::vector<Status> faults_;
};

}  // namespace safechunk
