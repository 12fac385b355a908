#include "archive/zip_structure.h"

#include <algorithm>
#include <initializer_list>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>

#include "archive/entry_name.h"
#include "archive/source_window.h"
#include "archive/zip_directory.h"
#include "archive/zip_end_record.h"
#include "archive/zip_local_header.h"

namespace safechunk::archive {
namespace {

constexpr std::uint16_t kFlagsEncryption =
    kFlagEncrypted | kFlagStrongEncryption | kFlagMaskedHeaders;
// Beside the two that tell how hard the compressor tried.
constexpr std::uint16_t kFlagsKnown = 3U << 1 | kFlagDescriptor | kFlagUtf8;

// External attributes, 4.4.15: of DOS in the lower half, the Unix mode in the upper.
constexpr std::uint32_t kDosVolumeLabel = 0x08;
constexpr std::uint32_t kDosDirectory = 0x10;
constexpr std::uint32_t kDosReparsePoint = 0x400;

Status corrupt(const char* why) {
  return Status(ErrorCode::corrupt, why);
}

// Walks over the entries in the order in which they lie in the file: each must begin where the one
// before it ended, the first at 0, and the last must end at the central directory.
Status check_layout(SourceWindow& window, std::vector<DirectoryEntry>& entries,
                    const EndRecord& end) {
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return entries[a].header_offset < entries[b].header_offset;
  });
  const std::uint64_t first =
      order.empty() ? end.directory_offset : entries[order.front()].header_offset;
  if (first != 0) return corrupt("unknown bytes lie before the first entry of the archive");
  for (std::size_t i = 0; i < order.size(); ++i) {
    DirectoryEntry& entry = entries[order[i]];
    const std::uint64_t limit =
        i + 1 < order.size() ? entries[order[i + 1]].header_offset : end.directory_offset;
    if (limit > end.directory_offset) {
      return entry_error(ErrorCode::corrupt, entries[order[i + 1]].info.name,
                         "it begins within the central directory or behind it");
    }
    if (Status status = check_local_header(window, entry, limit); !status.ok()) return status;
  }
  return Status();
}

std::optional<std::string_view> objection_to_kind(const DirectoryEntry& entry) {
  const std::uint32_t attributes = entry.external_attributes;
  switch (attributes >> 28) {  // S_IFMT of the Unix mode
    case 0:                    // no mode
    case 010:                  // S_IFREG
      break;
    case 004:
      return "it is a directory";
    case 012:
      return "it is a symbolic link";
    default:
      return "it is a special file";
  }
  if ((attributes & kDosDirectory) != 0) return "it is a directory";
  if ((attributes & kDosReparsePoint) != 0) return "it is a symbolic link";
  if ((attributes & kDosVolumeLabel) != 0) return "it is a volume label";
  return std::nullopt;
}

// What makes a sound entry one that this library does not read.
std::optional<std::string_view> objection_to_entry(const DirectoryEntry& entry) {
  if (const auto objection = objection_to_name(entry.info.name)) return objection;
  if (const auto objection = objection_to_kind(entry)) return objection;
  if (entry.disk != 0) return "it lies on another disk";
  if ((entry.flags & kFlagsEncryption) != 0) return "it is encrypted";
  if ((entry.flags & ~kFlagsKnown) != 0) return "its general purpose flags are unknown";
  if (entry.method != kMethodStored && entry.method != kMethodDeflated) {
    return "its compression method is neither store nor deflate";
  }
  return std::nullopt;
}

bool exceeds_ratio(const EntryInfo& info, std::uint64_t max_ratio) {
  const std::uint64_t ratio = std::max<std::uint64_t>(max_ratio, 1);
  const std::uint64_t least = info.size / ratio + (info.size % ratio != 0 ? 1 : 0);
  return info.compressed_size < least;
}

Status check_sizes(const std::vector<DirectoryEntry>& entries, const ReadLimits& limits) {
  std::uint64_t total = 0;
  for (const DirectoryEntry& entry : entries) {
    const EntryInfo& info = entry.info;
    if (!info.deflated && info.compressed_size != info.size) {
      return entry_error(ErrorCode::corrupt, info.name, "it is stored, and yet has two sizes");
    }
    if (info.size > limits.max_entry_bytes || info.compressed_size > limits.max_entry_bytes) {
      return entry_error(ErrorCode::too_large, info.name,
                         "it has more than " + std::to_string(limits.max_entry_bytes) + " bytes");
    }
    if (info.deflated && exceeds_ratio(info, limits.max_ratio)) {
      return entry_error(ErrorCode::too_large, info.name,
                         "it grows more than " + std::to_string(limits.max_ratio) +
                             " times when it is decompressed");
    }
    if (info.size > limits.max_total_bytes - total) {
      return entry_error(
          ErrorCode::too_large, info.name,
          "with it the archive has more than " + std::to_string(limits.max_total_bytes) + " bytes");
    }
    total += info.size;
  }
  return Status();
}

Status judge(const std::vector<DirectoryEntry>& entries, const ReadLimits& limits) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const DirectoryEntry& entry : entries) {
    names.push_back(entry.info.name);
    if (const auto objection = objection_to_entry(entry)) {
      return entry_error(ErrorCode::unsupported_format, entry.info.name, *objection);
    }
  }
  if (const auto duplicate = find_duplicate_names(names)) {
    return entry_error(
        ErrorCode::unsupported_format, names[duplicate->second],
        "another entry has the same name: '" + printable_name(names[duplicate->first]) + "'");
  }
  return check_sizes(entries, limits);
}

Status check_end(const EndRecord& end, const ReadLimits& limits) {
  if (end.entries > limits.max_entries) {
    return Status(ErrorCode::too_large,
                  "the archive has more than " + std::to_string(limits.max_entries) + " entries");
  }
  if (end.directory_size > limits.max_directory_bytes) {
    return Status(ErrorCode::too_large, "the central directory of the archive has more than " +
                                            std::to_string(limits.max_directory_bytes) + " bytes");
  }
  if (end.entries > end.directory_size / kDirectoryHeaderBytes) {
    return corrupt("the central directory is too short for its entries");
  }
  return Status();
}

// Where the directory header of the last entry begins, as far as its length can be guessed.
std::optional<EndRecord> find_last_header(SourceWindow& window, const EndRecord& end,
                                          std::string_view name) {
  constexpr std::string_view kSignature = "PK\1\2";
  // An extra field of Zip64 has a header of 4 bytes, and up to three sizes of 8.
  for (const std::size_t extra : std::initializer_list<std::size_t>{0, 12, 20, 28}) {
    const std::uint64_t length = kDirectoryHeaderBytes + name.size() + extra;
    if (length > end.directory_size) break;
    EndRecord last{1, end.directory_offset + end.directory_size - length, length};
    const auto header = window.view(last.directory_offset, kDirectoryHeaderBytes + name.size());
    if (!header.ok()) break;
    if (header->starts_with(kSignature) && header->ends_with(name)) return last;
  }
  return std::nullopt;
}

}  // namespace

Result<EntryInfo> read_last_entry(ByteSource& source, std::string_view name,
                                  const ReadLimits& limits) {
  const Status not_found(ErrorCode::not_found, "the archive does not end with that entry");
  SourceWindow window(source);
  const Result<EndRecord> end = find_end_record(window);
  if (!end.ok()) return end.status();
  const auto last = find_last_header(window, *end, name);
  if (!last) return not_found;
  Result<std::vector<DirectoryEntry>> entries = read_directory(window, *last);
  if (!entries.ok() || entries->front().info.name != name) return not_found;
  DirectoryEntry& entry = entries->front();
  Status status = check_local_header(window, entry, end->directory_offset);
  if (status.ok()) status = judge(*entries, limits);
  return status.ok() ? Result<EntryInfo>(std::move(entry.info)) : status;
}

Result<std::vector<EntryInfo>> read_structure(ByteSource& source, const ReadLimits& limits) {
  SourceWindow window(source);
  const Result<EndRecord> end = find_end_record(window);
  if (!end.ok()) return end.status();
  if (Status status = check_end(*end, limits); !status.ok()) return status;
  Result<std::vector<DirectoryEntry>> entries = read_directory(window, *end);
  if (!entries.ok()) return entries.status();
  if (Status status = check_layout(window, *entries, *end); !status.ok()) return status;
  if (Status status = judge(*entries, limits); !status.ok()) return status;
  std::vector<EntryInfo> infos;
  infos.reserve(entries->size());
  for (DirectoryEntry& entry : *entries) infos.push_back(std::move(entry.info));
  return infos;
}

}  // namespace safechunk::archive
