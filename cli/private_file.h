// A temporary file that only its user may read, for a text that is edited.
#pragma once

#include <string>
#include <string_view>

#include <safechunk/safechunk.hpp>

namespace safechunk::cli {

// The file stays until remove() is called: what somebody has typed is not thrown away.
class PrivateFile {
 public:
  // Makes a file of mode 0600 in $TMPDIR, or /tmp, whose name ends in .json.
  static Result<PrivateFile> create(std::string_view text);

  [[nodiscard]] const std::string& path() const { return path_; }
  // The text as it is now, also when an editor has replaced the file. not_found when it was
  // removed; permission_denied when it is no file of this user; io_error.
  [[nodiscard]] Result<std::string> read() const;
  void remove() const;

 private:
  explicit PrivateFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace safechunk::cli
