// The only way in which a file gets its final name: written under a temporary name, made durable,
// read back, and renamed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "json/text_output.h"
#include "platform/file_system.h"
#include "storage/files/file_io.h"
#include "storage/files/file_rights.h"
#include "storage/files/stamp.h"

namespace safechunk {

// What a temporary file shall have beside its bytes.
struct FileAttributes {
  std::optional<FileInfo> like;        // take over mode and owner of this file (G14)
  std::uint32_t creation_mode = 0666;  // before rights and umask, when it is like none
  std::uint32_t mode = 0;              // just this one, whatever it is like; 0: none is wanted
  FileRights rights;
  std::optional<Stamp> stamp;    // `modified_ns` and `bytes` are filled in
  std::string_view chunk;        // whose stamp it is
  bool start_writeback = false;  // more files follow: let the device begin
};

// A file under a temporary name, which becomes durable and then public, in this order and no
// other. Destroyed before publish(), it is removed.
class TemporaryFile {
 public:
  // Replaces a left-over of the same name. On error nothing is left behind.
  // `directory` must outlive the object.
  static Result<TemporaryFile> write(Directory& directory, std::string name, std::string_view bytes,
                                     const FileAttributes& attributes);
  // The same with bytes that `content` produces. `buffer` is used for its memory.
  using Content = std::function<void(json::TextOutput& output)>;
  static Result<TemporaryFile> write(Directory& directory, std::string name, const Content& content,
                                     const FileAttributes& attributes, std::string& buffer);
  // A second name for the file `from` in `source`, whose bytes must be durable already. An error of
  // link(2) is returned with its errno: not every file system has links.
  static Result<TemporaryFile> link(Directory& source, const std::string& from,
                                    Directory& directory, std::string name);
  // An empty one, to be written through file().
  static Result<TemporaryFile> create(Directory& directory, std::string name,
                                      std::uint32_t creation_mode);
  TemporaryFile(TemporaryFile&& other) noexcept
      : directory_(other.directory_),
        name_(std::exchange(other.name_, {})),
        file_(std::move(other.file_)),
        stamp_(other.stamp_),
        size_(other.size_),
        stamped_(other.stamped_),
        durable_(other.durable_) {}
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile();

  // fsync, then read back and compare the digest, then close. After an error the file must be
  // thrown away: an fsync that failed is never tried again on the same file.
  Status make_durable();
  // The same with a check of the caller's own.
  Status make_durable(const std::function<Status(File&)>& verify);
  // fsync only, and the file stays open: for one that is written on after publish().
  Status make_durable_and_keep_open();

  // rename(2) to `name` in the same folder, which the caller then has to sync. Refused before
  // make_durable() succeeded.
  Status publish(const std::string& name);
  // The same for a name that nothing has: EEXIST when something has it.
  Status publish_new(const std::string& name);
  // The same for a name that a file has, which gets the name `displaced` at that instant: the
  // caller has to look at it and to remove it. not_found when nothing has the name, EEXIST when
  // something has the name `displaced`. `is_displaced` stays false where the file system cannot
  // exchange names: then the old file is replaced as by publish().
  Status publish_over(const std::string& name, const std::string& displaced, bool& is_displaced);

  // The open file; not after make_durable().
  [[nodiscard]] File& file() { return *file_; }
  std::unique_ptr<File> take_file() { return std::move(file_); }
  [[nodiscard]] bool stamped() const { return stamped_; }
  // The stamp as it was written, also when the file system could not store it.
  [[nodiscard]] const Stamp& stamp() const { return stamp_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  TemporaryFile(Directory& directory, std::string name)
      : directory_(&directory), name_(std::move(name)) {}
  Status fill(const Content& content, const FileAttributes& attributes, std::string& buffer);
  Status take_permissions(const FileAttributes& attributes, const FileInfo& made);
  Status read_back(File& file) const;

  Directory* directory_;
  std::string name_;
  std::unique_ptr<File> file_;
  Stamp stamp_;
  std::uint64_t size_ = 0;
  bool stamped_ = false;
  bool durable_ = false;
};

// Gives what others put under a name that is needed another one, which nothing must have. Durable
// when the folder is synced.
Status move_aside(Directory& directory, const std::string& from, const std::string& to);

// Gives a file a name that nothing has: EEXIST or conflict when something has it. Durable when the
// folder is synced.
Status move_to_free(Directory& directory, const std::string& from, const std::string& to);

// Gives two files of a folder each other's names, at one instant. Durable when the folder is
// synced.
Status exchange_names(Directory& directory, const std::string& one, const std::string& other);

}  // namespace safechunk
