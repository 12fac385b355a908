#include "storage/files/inspection.h"

#include "json/encoding.h"
#include "json/scan.h"
#include "storage/files/durable_file.h"
#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

json::ScanOptions lenient(const TextSettings& settings) {
  return {.depth_limit = settings.depth_limit, .lenient = true};
}

Inspection unreadable(Inspection inspection, Status reason) {
  inspection.health =
      reason.code() == ErrorCode::not_found ? FileHealth::missing : FileHealth::unreadable;
  inspection.reason = std::move(reason);
  return inspection;
}

}  // namespace

FileHealth judge(std::string_view bytes, std::int64_t modified_ns,
                 const std::optional<Stamp>& stamp, const TextSettings& settings, Status& reason) {
  if (stamp && digest_of(bytes) == stamp->bytes) return FileHealth::good;
  if (stamp && stamp->modified_ns == modified_ns) {
    reason = Status(ErrorCode::corrupt, "the bytes changed without being written (bit rot)");
    return FileHealth::rotten;
  }
  reason = json::validate(bytes, lenient(settings));
  if (reason.ok()) return stamp ? FileHealth::edited : FileHealth::unstamped;
  reason = json::name_encoding(reason, bytes);
  // Deeper than the option allows is not damage.
  return reason.code() == ErrorCode::too_deep ? FileHealth::unreadable : FileHealth::not_json;
}

Result<std::optional<Stamp>> read_stamp(File& file, std::string_view chunk) {
  auto value = file.attribute(Stamp::kAttribute);
  if (value) return Stamp::decode(*value, chunk);
  const bool has_none =
      value.code() == ErrorCode::not_found || value.code() == ErrorCode::unsupported_format;
  return has_none ? Result<std::optional<Stamp>>(std::nullopt) : value.status();
}

Inspection inspect_file(Directory& directory, const std::string& file, std::string_view chunk,
                        const TextSettings& settings) {
  Inspection inspection;
  auto opened = directory.open(file, OpenMode::read);
  if (!opened) return unreadable(std::move(inspection), opened.status());
  auto info = (*opened)->stat();
  if (!info) return unreadable(std::move(inspection), info.status());
  inspection.info = *info;
  auto bytes = read_all(**opened, *info, settings.size_limit);
  if (!bytes) return unreadable(std::move(inspection), bytes.status());
  inspection.bytes = *std::move(bytes);
  auto stamp = read_stamp(**opened, chunk);
  // Without it rot would pass for an edit.
  if (!stamp) return unreadable(std::move(inspection), stamp.status());
  inspection.stamp = *stamp;
  inspection.health = judge(inspection.bytes, inspection.info.modified_ns, inspection.stamp,
                            settings, inspection.reason);
  return inspection;
}

Inspection inspect_backup(Directory* backups, const std::string& chunk,
                          const TextSettings& settings) {
  if (backups == nullptr) return {};
  return inspect_file(*backups, layout::backup_file(chunk), chunk, settings);
}

Digest Inspection::text_digest(const TextSettings& settings) const {
  if (health == FileHealth::good) return stamp->text;
  return digest_of_compact(bytes, settings);
}

Digest digest_of_compact(std::string_view text, const TextSettings& settings) {
  std::string compact;
  if (!json::compact(text, lenient(settings), compact)) return kAbsentDigest;
  return digest_of(compact);
}

}  // namespace safechunk
