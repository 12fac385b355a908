#include "storage/durable_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>

namespace safechunk {

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

Result<std::string> read_all(File& file, std::uint64_t size_limit) {
  auto info = file.stat();
  if (!info) return info.status();
  if (info->size > size_limit) {
    return Status(ErrorCode::too_large, "the file has " + std::to_string(info->size) +
                                            " bytes, the limit is " + std::to_string(size_limit));
  }
  std::string bytes(static_cast<std::size_t>(info->size), '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    auto count = file.read_at(filled, std::span(bytes).subspan(filled));
    if (!count) return count.status();
    if (*count == 0) break;  // it shrank while being read
    filled += *count;
  }
  bytes.resize(filled);
  return bytes;
}

Result<TemporaryFile> TemporaryFile::create(Directory& directory, std::string name,
                                            std::uint32_t permissions) {
  auto file = directory.open(name, OpenMode::create_exclusive, permissions);
  if (!file && file.error().os_errno == EEXIST) {
    if (Status removed = directory.unlink(name); !removed) return removed;
    file = directory.open(name, OpenMode::create_exclusive, permissions);
  }
  if (!file) return file.status();
  TemporaryFile temporary(directory, std::move(name));
  temporary.file_ = *std::move(file);
  return temporary;
}

Result<TemporaryFile> TemporaryFile::write(Directory& directory, std::string name,
                                           std::string_view bytes,
                                           const FileAttributes& attributes) {
  auto temporary =
      create(directory, std::move(name), attributes.like ? attributes.like->mode : 0666);
  if (!temporary) return temporary;
  if (Status filled = temporary->fill(bytes, attributes); !filled) return filled;
  return temporary;
}

TemporaryFile::~TemporaryFile() {
  file_.reset();
  // When even this fails, also for lack of memory, the next attach removes what is left.
  try {
    if (!name_.empty()) (void)directory_->unlink(name_);
  } catch (const std::bad_alloc&) {  // NOLINT: see above
  }
}

Status TemporaryFile::fill(std::string_view bytes, const FileAttributes& attributes) {
  if (Status written = write_all(*file_, 0, bytes); !written) return written;
  auto info = file_->stat();
  if (!info) return info.status();
  if (attributes.like) {
    if (Status status = take_permissions(*attributes.like, *info); !status) return status;
  }
  size_ = bytes.size();
  if (attributes.stamp) stamp_ = *attributes.stamp;
  stamp_.bytes = digest_of(bytes);
  stamp_.modified_ns = info->modified_ns;
  if (attributes.stamp) {
    Status status = file_->set_attribute(Stamp::kAttribute, stamp_.encode());
    // A file without a stamp is a valid file: it only cannot tell rot from an edit.
    stamped_ = status.ok();
    if (!stamped_ && status.code() != ErrorCode::unsupported_format &&
        status.code() != ErrorCode::permission_denied) {
      return status;
    }
  }
  return attributes.start_writeback ? file_->start_writeback() : Status();
}

Status TemporaryFile::take_permissions(const FileInfo& like, FileInfo& now) {
  if (now.mode == like.mode && now.user == like.user && now.group == like.group) return {};
  return file_->set_permissions(like.mode, like.user, like.group);
}

Status TemporaryFile::make_durable() {
  return make_durable([this](File& file) { return read_back(file); });
}

Status TemporaryFile::make_durable(const std::function<Status(File&)>& verify) {
  if (Status status = make_durable_and_keep_open(); !status) return status;
  durable_ = false;  // not before it was checked
  if (Status status = verify(*file_); !status) return status;
  const std::unique_ptr<File> file = std::move(file_);
  if (Status status = file->close(); !status) return status;
  durable_ = true;
  return {};
}

Status TemporaryFile::make_durable_and_keep_open() {
  if (Status status = file_->sync(); !status) return status;
  durable_ = true;
  return {};
}

Status TemporaryFile::read_back(File& file) const {
  auto bytes = read_all(file, size_);
  if (!bytes) return bytes.status();
  if (bytes->size() == size_ && digest_of(*bytes) == stamp_.bytes) return {};
  Error error;
  error.code = ErrorCode::io_error;
  error.message = "what was read back differs from what was written";
  error.path = directory_->path() + "/" + name_;
  return error;
}

Status TemporaryFile::publish(const std::string& name) {
  if (!durable_) return Status(ErrorCode::invalid_argument, "publish before make_durable");
  Status status = directory_->rename(name_, *directory_, name);
  if (status.ok()) name_.clear();
  return status;
}

Status publish_link(Directory& source, const std::string& from, Directory& target,
                    const std::string& temporary, const std::string& to) {
  Status linked = source.link(from, target, temporary);
  if (!linked && linked.error().os_errno == EEXIST) {
    if (Status status = target.unlink(temporary); !status) return status;
    linked = source.link(from, target, temporary);
  }
  return linked.ok() ? target.rename(temporary, target, to) : linked;
}

}  // namespace safechunk
