#include "archive/source_window.h"

#include <algorithm>

namespace safechunk::archive {

Result<std::string_view> SourceWindow::view(std::uint64_t offset, std::size_t length) {
  if (offset > source_size_ || length > source_size_ - offset) {
    return Status(ErrorCode::corrupt, "the archive ends too early");
  }
  const bool held = offset >= start_ && offset - start_ <= bytes_.size() &&
                    length <= bytes_.size() - (offset - start_);
  if (!held) {
    const std::uint64_t wanted = std::max<std::uint64_t>(length, kBytes);
    bytes_.resize(static_cast<std::size_t>(std::min(wanted, source_size_ - offset)));
    start_ = offset;
    if (Status status = source_.read_at(offset, bytes_); !status.ok()) {
      bytes_.clear();
      return status;
    }
  }
  return std::string_view(bytes_).substr(static_cast<std::size_t>(offset - start_), length);
}

}  // namespace safechunk::archive
