// Who may use the files and folders that the engine makes in a project: the people who may use the
// project's folder. Otherwise one run with sudo, or one member of a group with another umask, would
// shut the others out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <safechunk/status.hpp>

#include "platform/file_system.h"

namespace safechunk {

class FileRights {
 public:
  // As the system makes files: nothing is changed.
  FileRights() = default;
  // `folder`: of the project's folder. `most`: what files allow at most (EngineOptions::file_mode);
  // 0: no such limit.
  explicit FileRights(const Permissions& folder, std::uint32_t most = 0)
      : folder_(folder), most_(most) {}
  // For folders that are made before there is a project's folder.
  static FileRights at_most(std::uint32_t mode);

  // The same for evidence: its owner alone may read it, because nobody can tell who else may read
  // damaged bytes.
  [[nodiscard]] FileRights for_evidence() const;

  // Modes for the call that makes a file or a folder; the umask is still to be applied. A file
  // would get `wanted` if the folder allowed everything.
  [[nodiscard]] std::uint32_t mode_of_new_file(std::uint32_t wanted) const;
  [[nodiscard]] std::uint32_t mode_of_new_folder() const;

  // Gives a new file to the folder's owner and group, where that is permitted. Its mode never has
  // more than the folder's; those who may write to the folder may read and write the file, and for
  // all others it stays as the umask made it. `now`: what the file has so far.
  Status share(File& file, const FileInfo& now) const;
  // A new folder gets the folder's owner and group, where that is permitted, and its mode.
  Status share(Directory& folder, const FileInfo& now) const;

  // Of a file that is or becomes like one that is there: that one's, as far as the limit allows.
  [[nodiscard]] Permissions tightened(Permissions permissions) const;
  [[nodiscard]] bool exceeded_by(const Permissions& permissions) const {
    return tightened(permissions) != permissions;
  }
  // Takes from a file what exceeds the limit. ok when there is no such file. Makes no call where
  // there is no limit.
  Status tighten(Directory& folder, const std::string& file) const;

  // What share() makes of a mode, once it is clear whose the file is. Pure.
  [[nodiscard]] std::uint32_t shared_mode_of_file(const Permissions& now) const;
  [[nodiscard]] std::uint32_t shared_mode_of_folder(const Permissions& now) const;

 private:
  [[nodiscard]] std::uint32_t allowed_to_others(const Permissions& now) const;

  std::optional<Permissions> folder_;
  std::uint32_t most_ = 0;
  bool owner_alone_ = false;
};

}  // namespace safechunk
