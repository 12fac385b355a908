// Reading and writing of whole pieces: the loops that turn short counts into everything or an
// error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "json/text_output.h"
#include "platform/file_system.h"

namespace safechunk {

// pwrite until all is written. A count of 0 is an error (no_space), never a loop.
Status write_all(File& file, std::uint64_t offset, std::string_view bytes);

// pread until `buffer` is full or the file ends; the count says how far it came.
Result<std::size_t> read_up_to(File& file, std::uint64_t offset, std::span<char> buffer);

// The whole file. too_large when it has more than `size_limit` bytes. The second form is for a
// caller that has asked for the file's size already.
Result<std::string> read_all(File& file, std::uint64_t size_limit);
Result<std::string> read_all(File& file, const FileInfo& info, std::uint64_t size_limit);

// Writes a file from its beginning and digests what it writes. In pieces of up to a megabyte: many
// small writes become many small pages of the kernel's cache, which fsync writes more slowly. The
// device is told to begin with each piece while the next is made.
class FileWriter final : public json::TextOutput {
 public:
  // `file` is empty. `buffer` is used for its memory. Both outlive this object.
  FileWriter(File& file, std::string& buffer) : file_(file), buffer_(buffer) { buffer_.clear(); }

  void append(std::string_view piece) override;
  void clear() override;

  // Writes what is left. The first error of all.
  Status finish();
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] Digest digest() const { return digester_.digest(); }

 private:
  void write(std::string_view bytes);

  File& file_;
  std::string& buffer_;
  Digester digester_;
  std::uint64_t size_ = 0;
  Status status_;
};

}  // namespace safechunk
