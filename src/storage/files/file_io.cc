#include "storage/files/file_io.h"

namespace safechunk {
namespace {

constexpr std::size_t kWriteBytes = 1U << 20U;
// The device may begin with a large file while the rest of it is made.
constexpr std::size_t kStartBytes = kWriteBytes / 2;

}  // namespace

Status write_all(File& file, std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    auto count = file.write_at(offset, bytes);
    if (!count) return count.status();
    if (*count == 0) return Status(ErrorCode::no_space, "a write stored nothing");
    bytes.remove_prefix(*count);
    offset += *count;
  }
  return {};
}

Result<std::size_t> read_up_to(File& file, std::uint64_t offset, std::span<char> buffer) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    auto count = file.read_at(offset + filled, buffer.subspan(filled));
    if (!count) return count.status();
    if (*count == 0) break;
    filled += *count;
  }
  return filled;
}

Result<std::string> read_all(File& file, std::uint64_t size_limit) {
  auto info = file.stat();
  return info ? read_all(file, *info, size_limit) : info.status();
}

Result<std::string> read_all(File& file, const FileInfo& info, std::uint64_t size_limit) {
  if (info.size > size_limit) {
    return Status(ErrorCode::too_large, "the file has " + std::to_string(info.size) +
                                            " bytes, the limit is " + std::to_string(size_limit));
  }
  std::string bytes(static_cast<std::size_t>(info.size), '\0');
  auto count = read_up_to(file, 0, bytes);
  if (!count) return count.status();
  bytes.resize(*count);  // shorter when the file shrank meanwhile
  return bytes;
}

void FileWriter::append(std::string_view piece) {
  if (buffer_.size() + piece.size() > kWriteBytes) {
    write(buffer_);
    buffer_.clear();
  }
  if (piece.size() > kWriteBytes) {
    write(piece);
  } else {
    buffer_ += piece;
  }
}

void FileWriter::write(std::string_view bytes) {
  if (!status_.ok() || bytes.empty()) return;
  digester_.update(bytes);
  status_ = write_all(file_, size_, bytes);
  size_ += bytes.size();
  if (status_.ok() && bytes.size() >= kStartBytes) status_ = file_.start_writeback();
}

Status FileWriter::finish() {
  write(buffer_);
  buffer_.clear();
  return status_;
}

void FileWriter::clear() {
  buffer_.clear();
  digester_ = Digester();
  if (status_.ok() && size_ > 0) status_ = file_.truncate(0);
  size_ = 0;
}

}  // namespace safechunk
