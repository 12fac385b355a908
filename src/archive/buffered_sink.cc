#include "archive/buffered_sink.h"

#include <algorithm>

namespace safechunk::archive {

Status BufferedSink::write(std::string_view bytes) {
  const bool touches_buffer =
      position_ >= buffer_start_ && position_ - buffer_start_ <= buffer_.size();
  if (!touches_buffer) {
    if (Status status = flush(); !status.ok()) return status;
    buffer_start_ = position_;
  }
  const auto offset = static_cast<std::size_t>(position_ - buffer_start_);
  const std::size_t overwritten = std::min(bytes.size(), buffer_.size() - offset);
  buffer_.replace(offset, overwritten, bytes);
  position_ += bytes.size();
  size_ = std::max(size_, position_);
  if (buffer_.size() >= kBytes) return flush();
  return Status();
}

Status BufferedSink::flush() {
  if (buffer_.empty()) return Status();
  Status status = sink_.write_at(buffer_start_, buffer_);
  buffer_start_ += buffer_.size();
  buffer_.clear();
  return status;
}

}  // namespace safechunk::archive
