#include "storage/one_file/file_text.h"

#include <utility>

#include "base/digest.h"
#include "json/comments.h"
#include "json/encoding.h"
#include "storage/files/file_io.h"
#include "storage/one_file/file_lock.h"

namespace safechunk {
namespace {

json::ScanOptions scan_of(const TextSettings& settings) {
  return {.depth_limit = settings.depth_limit, .lenient = true};
}

// Of one try.
Result<std::optional<std::string>> read_place(const FilePlace& place, std::uint64_t size_limit) {
  if (place.missing) return Status(ErrorCode::not_found, "there is no such file");
  auto file = place.folder->open(place.name, OpenMode::read);
  if (!file) return file.status();
  const auto info = (*file)->stat();
  if (!info) return info.status();
  return read_unchanged(**file, *info, size_limit);
}

}  // namespace

Status about_file(const Status& status, const std::string& path) {
  if (status.ok() || !status.error().path.empty()) return status;
  Error error = status.error();
  error.path = path;
  return error;
}

Result<std::string> plain_text(const std::string& text, Dialect dialect,
                               const TextSettings& settings) {
  const json::ScanOptions scan = scan_of(settings);
  if (dialect == Dialect::jsonc) {
    Result<std::string> masked = json::read_jsonc(text, scan);
    return masked ? std::move(masked) : json::name_encoding(masked.status(), text);
  }
  const Status valid = json::validate(text, scan);
  if (valid.ok()) return text;
  if (!json::read_jsonc(text, scan)) return json::name_encoding(valid, text);
  Error error = valid.error();
  error.message +=
      "; the file has comments or a comma behind the last entry, which the dialect "
      "jsonc accepts";
  return error;
}

Result<std::string> compact_text(const std::string& plain, const TextSettings& settings) {
  std::string compact;
  if (Status status = json::compact(plain, scan_of(settings), compact); !status) return status;
  return compact;
}

bool is_same_version(const FileInfo& found, const FileInfo& old) {
  return found.same_file(old) && found.size == old.size && found.modified_ns == old.modified_ns;
}

bool is_untouched(const FileInfo& found, const FileInfo& old) {
  return is_same_version(found, old) && found.changed_ns == old.changed_ns;
}

Result<std::optional<std::string>> read_unchanged(File& file, const FileInfo& info,
                                                  std::uint64_t size_limit) {
  auto text = read_all(file, info, size_limit);
  if (!text) return text.status();
  const auto now = file.stat();
  if (!now) return now.status();
  return is_untouched(*now, info) ? std::optional(*std::move(text)) : std::nullopt;
}

Result<FileText> read_file(const Platform& platform, const std::string& path, Dialect dialect,
                           const TextSettings& settings) {
  constexpr int kTries = 100;  // as long as another program writes it
  FileText found;
  for (int left = kTries;; --left) {
    const auto place = find_file(platform.file_system, path);
    if (!place) return about_file(place.status(), path);
    auto text = read_place(*place, settings.size_limit);
    if (!text) return about_file(text.status(), path);
    if (!text->has_value() && left > 0) continue;
    if (!text->has_value()) {
      return about_file(Status(ErrorCode::being_edited, "another program is writing the file"),
                        path);
    }
    found.text = **std::move(text);
    break;
  }
  auto plain = plain_text(found.text, dialect, settings);
  if (!plain) return about_file(plain.status(), path);
  found.plain = *std::move(plain);
  const auto compact = compact_text(found.plain, settings);
  if (!compact) return about_file(compact.status(), path);
  found.revision = digest_of(*compact).to_hex();
  return found;
}

}  // namespace safechunk
