#include "storage/files/durable_file.h"

#include <algorithm>
#include <array>
#include <new>

namespace safechunk {
namespace {

constexpr std::size_t kReadBytes = 32U << 10U;

// Who may not write to a file may not stamp it: it gets its own mode last.
std::uint32_t creation_mode(const FileAttributes& attributes) {
  if (attributes.mode == 0 && !attributes.like) {
    return attributes.rights.mode_of_new_file(attributes.creation_mode);
  }
  Permissions wanted = attributes.like ? attributes.like->permissions : Permissions();
  if (attributes.mode != 0) wanted.mode = attributes.mode;
  wanted.mode = wanted.while_writing();
  return attributes.rights.tightened(wanted).mode;
}

}  // namespace

Result<TemporaryFile> TemporaryFile::create(Directory& directory, std::string name,
                                            std::uint32_t creation_mode) {
  auto file = directory.open(name, OpenMode::create_exclusive, creation_mode);
  if (!file && already_exists(file.status())) {
    if (Status removed = directory.unlink(name); !removed) return removed;
    file = directory.open(name, OpenMode::create_exclusive, creation_mode);
  }
  if (!file) return file.status();
  TemporaryFile temporary(directory, std::move(name));
  temporary.file_ = *std::move(file);
  return temporary;
}

Result<TemporaryFile> TemporaryFile::write(Directory& directory, std::string name,
                                           std::string_view bytes,
                                           const FileAttributes& attributes) {
  const Content content = [bytes](json::TextOutput& output) { output.append(bytes); };
  std::string buffer;
  return write(directory, std::move(name), content, attributes, buffer);
}

Result<TemporaryFile> TemporaryFile::write(Directory& directory, std::string name,
                                           const Content& content, const FileAttributes& attributes,
                                           std::string& buffer) {
  auto temporary = create(directory, std::move(name), creation_mode(attributes));
  if (!temporary) return temporary;
  if (Status filled = temporary->fill(content, attributes, buffer); !filled) return filled;
  return temporary;
}

Result<TemporaryFile> TemporaryFile::link(Directory& source, const std::string& from,
                                          Directory& directory, std::string name) {
  Status linked = source.link(from, directory, name);
  if (!linked && already_exists(linked)) {
    if (Status removed = directory.unlink(name); !removed) return removed;
    linked = source.link(from, directory, name);
  }
  if (!linked) return linked;
  TemporaryFile temporary(directory, std::move(name));
  temporary.durable_ = true;
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

Status TemporaryFile::fill(const Content& content, const FileAttributes& attributes,
                           std::string& buffer) {
  FileWriter writer(*file_, buffer);
  content(writer);
  if (Status written = writer.finish(); !written) return written;
  auto info = file_->stat();
  if (!info) return info.status();
  size_ = writer.size();
  if (attributes.stamp) stamp_ = *attributes.stamp;
  stamp_.bytes = writer.digest();
  stamp_.modified_ns = info->modified_ns;
  if (attributes.stamp) {
    Status status = file_->set_attribute(Stamp::kAttribute, stamp_.encode(attributes.chunk));
    // A file without a stamp is a valid file: it only cannot tell rot from an edit.
    stamped_ = status.ok();
    if (!stamped_ && status.code() != ErrorCode::unsupported_format &&
        status.code() != ErrorCode::permission_denied) {
      return status;
    }
  }
  if (Status status = take_permissions(attributes, *info); !status) return status;
  return attributes.start_writeback ? file_->start_writeback() : Status();
}

Status TemporaryFile::take_permissions(const FileAttributes& attributes, const FileInfo& made) {
  Permissions now = made.permissions;
  if (!attributes.like) {
    if (Status shared = attributes.rights.share(*file_, made); !shared) return shared;
    if (attributes.mode == 0) return {};
    auto info = file_->stat();
    if (!info) return info.status();
    now = info->permissions;
  }
  Permissions wanted = attributes.like ? attributes.like->permissions : now;
  if (attributes.mode != 0) wanted.mode = attributes.mode;
  wanted = attributes.rights.tightened(wanted);
  return wanted == now ? Status() : file_->set_permissions(wanted);
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
  auto info = file.stat();
  if (!info) return info.status();
  std::array<char, kReadBytes> buffer;  // filled before it is looked at
  Digester digester;
  std::uint64_t offset = 0;
  while (offset < size_) {
    const std::size_t wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(size_ - offset, kReadBytes));
    auto count = read_up_to(file, offset, std::span(buffer).first(wanted));
    if (!count) return count.status();
    if (*count == 0) break;
    digester.update({buffer.data(), *count});
    offset += *count;
  }
  if (info->size == size_ && offset == size_ && digester.digest() == stamp_.bytes) return {};
  Error error;
  error.code = ErrorCode::io_error;
  error.message = "what was read back differs from what was written";
  error.path = directory_->path() + "/" + name_;
  return error;
}

Status TemporaryFile::publish(const std::string& name) {
  if (!durable_) return Status(ErrorCode::invalid_argument, "publish before make_durable");
  Status status = directory_->rename(name_, name);
  if (status.ok()) name_.clear();
  return status;
}

Status TemporaryFile::publish_new(const std::string& name) {
  if (!durable_) return Status(ErrorCode::invalid_argument, "publish before make_durable");
  Status status = directory_->rename(name_, name, RenameMode::keep);
  if (is_unknown_call(status)) return publish(name);
  if (status.ok()) name_.clear();
  return status;
}

// In two steps, so that a file that a crash leaves under `displaced` is whole: the old one, or this
// one. Under the first name it may be half written.
Status TemporaryFile::publish_over(const std::string& name, const std::string& displaced,
                                   bool& is_displaced) {
  if (!durable_) return Status(ErrorCode::invalid_argument, "publish before make_durable");
  Status status = directory_->rename(name_, displaced, RenameMode::keep);
  if (is_unknown_call(status)) return publish(name);
  if (!status) return status;
  name_ = displaced;
  status = directory_->rename(name_, name, RenameMode::exchange);
  if (is_unknown_call(status)) return publish(name);
  if (!status) return status;
  name_.clear();
  is_displaced = true;
  return {};
}

Status move_to_free(Directory& directory, const std::string& from, const std::string& to) {
  Status status = directory.rename(from, to, RenameMode::keep);
  if (!is_unknown_call(status)) return status;
  auto taken = directory.stat(to);
  if (taken) return Status(ErrorCode::conflict, to + " is there already");
  return taken.code() == ErrorCode::not_found ? directory.rename(from, to) : taken.status();
}

Status move_aside(Directory& directory, const std::string& from, const std::string& to) {
  return directory.rename(from, to);
}

Status exchange_names(Directory& directory, const std::string& one, const std::string& other) {
  return directory.rename(one, other, RenameMode::exchange);
}

}  // namespace safechunk
