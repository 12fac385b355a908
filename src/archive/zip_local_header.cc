#include "archive/zip_local_header.h"

#include <string_view>

#include "archive/entry_name.h"
#include "archive/field_reader.h"
#include "archive/zip64_field.h"

namespace safechunk::archive {
namespace {

constexpr std::string_view kSignature("PK\3\4", 4);
constexpr std::string_view kDescriptorSignature("PK\7\10", 4);
constexpr std::size_t kFixedBytes = 30;

Status corrupt(const DirectoryEntry& entry, std::string_view why) {
  return entry_error(ErrorCode::corrupt, entry.info.name, why);
}

// The fixed part of the header, 4.3.7.
struct LocalHeader {
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t crc32 = 0;
  std::uint32_t compressed_size = 0;
  std::uint32_t size = 0;
  std::uint16_t name_bytes = 0;
  std::uint16_t extra_bytes = 0;

  [[nodiscard]] std::size_t total_bytes() const { return kFixedBytes + name_bytes + extra_bytes; }
};

LocalHeader parse_fixed_part(FieldReader reader) {
  LocalHeader header;
  reader.skip(2);  // version needed
  header.flags = reader.next<std::uint16_t>();
  header.method = reader.next<std::uint16_t>();
  reader.skip(4);  // time
  header.crc32 = reader.next<std::uint32_t>();
  header.compressed_size = reader.next<std::uint32_t>();
  header.size = reader.next<std::uint32_t>();
  header.name_bytes = reader.next<std::uint16_t>();
  header.extra_bytes = reader.next<std::uint16_t>();
  return header;
}

// Compares what both headers say. `rest` is what follows the fixed part: name and extra fields.
Status compare(const LocalHeader& header, std::string_view rest, const DirectoryEntry& entry) {
  const EntryInfo& info = entry.info;
  if (rest.substr(0, header.name_bytes) != info.name) {
    return corrupt(entry, "its local header has another name");
  }
  const auto zip64 = find_zip64_field(rest.substr(header.name_bytes));
  if (!zip64) return corrupt(entry, "the extra fields of its local header are malformed");
  FieldReader wide(*zip64);
  const std::uint64_t size = widen(header.size, wide);
  const std::uint64_t compressed_size = widen(header.compressed_size, wide);
  if (!wide.complete()) return corrupt(entry, "the Zip64 field of its local header is too short");
  // With a descriptor, the local header may leave the facts open (4.4.4, bit 3).
  const bool may_be_open = (header.flags & kFlagDescriptor) != 0;
  const auto differs = [&](std::uint64_t local, std::uint64_t central) {
    return local != central && !(may_be_open && local == 0);
  };
  if (header.flags != entry.flags || header.method != entry.method ||
      differs(header.crc32, info.crc32) || differs(size, info.size) ||
      differs(compressed_size, info.compressed_size)) {
    return corrupt(entry, "its local header and the central directory disagree");
  }
  return Status();
}

// 4.3.9: the facts once more after the data, with or without a signature, in 32 or 64 bits. The
// room there is for it tells which.
bool is_descriptor_of(const EntryInfo& info, std::string_view bytes) {
  const bool has_signature = bytes.size() == 16 || bytes.size() == 24;
  const bool is_wide = bytes.size() >= 20;
  FieldReader reader(bytes);
  if (has_signature && reader.take(4) != kDescriptorSignature) return false;
  const auto next_size = [&] {
    return is_wide ? reader.next<std::uint64_t>() : std::uint64_t{reader.next<std::uint32_t>()};
  };
  const auto crc32 = reader.next<std::uint32_t>();
  const std::uint64_t compressed_size = next_size();
  const std::uint64_t size = next_size();
  return reader.complete() && reader.left() == 0 && crc32 == info.crc32 &&
         compressed_size == info.compressed_size && size == info.size;
}

// Checks the `length` bytes between the data of the entry and the next part of the archive.
Status check_after_data(SourceWindow& window, const DirectoryEntry& entry, std::uint64_t length) {
  if ((entry.flags & kFlagDescriptor) == 0) {
    return length == 0 ? Status() : corrupt(entry, "unknown bytes follow its data");
  }
  if (length != 12 && length != 16 && length != 20 && length != 24) {
    return corrupt(entry, "no data descriptor follows its data");
  }
  const Result<std::string_view> bytes = window.view(
      entry.info.data_offset + entry.info.compressed_size, static_cast<std::size_t>(length));
  if (!bytes.ok()) return bytes.status();
  if (!is_descriptor_of(entry.info, *bytes)) {
    return corrupt(entry, "its data descriptor and the central directory disagree");
  }
  return Status();
}

}  // namespace

Status check_local_header(SourceWindow& window, DirectoryEntry& entry, std::uint64_t limit) {
  static constexpr std::string_view kOverlaps =
      "it overlaps with the next entry or the central directory";
  const std::uint64_t room = limit - entry.header_offset;
  if (room < kFixedBytes) return corrupt(entry, kOverlaps);
  Result<std::string_view> bytes = window.view(entry.header_offset, kFixedBytes);
  if (!bytes.ok()) return bytes.status();
  FieldReader reader(*bytes);
  if (reader.take(4) != kSignature) return corrupt(entry, "it has no local header");
  const LocalHeader header = parse_fixed_part(reader);
  const std::size_t header_bytes = header.total_bytes();
  if (room < header_bytes || room - header_bytes < entry.info.compressed_size) {
    return corrupt(entry, kOverlaps);
  }
  bytes = window.view(entry.header_offset, header_bytes);
  if (!bytes.ok()) return bytes.status();
  if (Status status = compare(header, bytes->substr(kFixedBytes), entry); !status.ok()) {
    return status;
  }
  entry.info.data_offset = entry.header_offset + header_bytes;
  return check_after_data(window, entry, room - header_bytes - entry.info.compressed_size);
}

}  // namespace safechunk::archive
