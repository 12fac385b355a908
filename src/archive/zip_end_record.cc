#include "archive/zip_end_record.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "archive/field_reader.h"

namespace safechunk::archive {
namespace {

constexpr std::string_view kEndSignature("PK\5\6", 4);
constexpr std::string_view kWideEndSignature("PK\6\6", 4);
constexpr std::string_view kLocatorSignature("PK\6\7", 4);
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kWideEndBytes = 56;
constexpr std::size_t kLocatorBytes = 20;
constexpr std::size_t kMaxCommentBytes = 0xFFFF;

Status corrupt(const char* why) {
  return Status(ErrorCode::corrupt, why);
}

Status split() {
  return Status(ErrorCode::unsupported_format, "the archive is a part of one split over disks");
}

// The fields of both forms of the record.
struct EndFields {
  std::uint64_t disk = 0;
  std::uint64_t directory_disk = 0;
  std::uint64_t entries_on_disk = 0;
  std::uint64_t entries = 0;
  std::uint64_t directory_size = 0;
  std::uint64_t directory_offset = 0;
};

template <typename Disk, typename Count, typename Size>
EndFields read_fields(FieldReader& reader) {
  EndFields fields;
  fields.disk = reader.next<Disk>();
  fields.directory_disk = reader.next<Disk>();
  fields.entries_on_disk = reader.next<Count>();
  fields.entries = reader.next<Count>();
  fields.directory_size = reader.next<Size>();
  fields.directory_offset = reader.next<Size>();
  return fields;
}

// A narrow field repeats the wide one, or is all ones to say "see there" (4.4.1.4).
bool agree(const EndFields& narrow, const EndFields& wide) {
  const auto same = [](std::uint64_t small, std::uint64_t large, std::uint64_t all_ones) {
    return small == large || small == all_ones;
  };
  return same(narrow.disk, wide.disk, 0xFFFF) &&
         same(narrow.directory_disk, wide.directory_disk, 0xFFFF) &&
         same(narrow.entries_on_disk, wide.entries_on_disk, 0xFFFF) &&
         same(narrow.entries, wide.entries, 0xFFFF) &&
         same(narrow.directory_size, wide.directory_size, 0xFFFFFFFF) &&
         same(narrow.directory_offset, wide.directory_offset, 0xFFFFFFFF);
}

struct Located {
  std::uint64_t offset = 0;  // where the record begins
  EndFields fields;
};

// 4.3.16. The last one counts, and its comment must reach the end exactly: so nothing can follow,
// and no comment can hold a second record.
Result<Located> find_narrow(SourceWindow& window) {
  const std::uint64_t size = window.source_size();
  if (size < kEndBytes) return corrupt("not a zip archive: too short for one");
  const auto length =
      static_cast<std::size_t>(std::min<std::uint64_t>(size, kEndBytes + kMaxCommentBytes));
  const Result<std::string_view> tail = window.view(size - length, length);
  if (!tail.ok()) return tail.status();
  const std::size_t at = tail->rfind(kEndSignature, length - kEndBytes);
  if (at == std::string_view::npos) {
    return corrupt("not a zip archive, or cut off: it has no end of central directory record");
  }
  FieldReader reader(tail->substr(at + kEndSignature.size()));
  Located end;
  end.offset = size - length + at;
  end.fields = read_fields<std::uint16_t, std::uint16_t, std::uint32_t>(reader);
  const auto comment_bytes = reader.next<std::uint16_t>();
  if (comment_bytes != reader.left()) {
    return corrupt("the archive is cut off, or something follows its end");
  }
  return end;
}

// 4.3.14 and 4.3.15. Nothing when there is no locator right before the narrow record.
Result<std::optional<Located>> find_wide(SourceWindow& window, const Located& narrow) {
  if (narrow.offset < kLocatorBytes) return std::optional<Located>();
  const std::uint64_t locator_offset = narrow.offset - kLocatorBytes;
  const Result<std::string_view> locator = window.view(locator_offset, kLocatorBytes);
  if (!locator.ok()) return locator.status();
  FieldReader locator_reader(*locator);
  if (locator_reader.take(4) != kLocatorSignature) return std::optional<Located>();
  const auto disk = locator_reader.next<std::uint32_t>();
  Located wide;
  wide.offset = locator_reader.next<std::uint64_t>();
  const auto disks = locator_reader.next<std::uint32_t>();
  if (disk != 0 || disks != 1) return split();

  if (locator_offset < kWideEndBytes || wide.offset != locator_offset - kWideEndBytes) {
    return corrupt("the Zip64 end record is not where its locator says");
  }
  const Result<std::string_view> record = window.view(wide.offset, kWideEndBytes);
  if (!record.ok()) return record.status();
  FieldReader reader(*record);
  if (reader.take(4) != kWideEndSignature || reader.next<std::uint64_t>() != kWideEndBytes - 12) {
    return corrupt("the Zip64 end record is damaged");
  }
  reader.skip(4);  // versions made by and needed
  wide.fields = read_fields<std::uint32_t, std::uint64_t, std::uint64_t>(reader);
  return std::optional<Located>(wide);
}

}  // namespace

Result<EndRecord> find_end_record(SourceWindow& window) {
  Result<Located> end = find_narrow(window);
  if (!end.ok()) return end.status();
  const Result<std::optional<Located>> wide = find_wide(window, *end);
  if (!wide.ok()) return wide.status();
  if (wide->has_value()) {
    if (!agree(end->fields, (*wide)->fields)) {
      return corrupt("the end record and its Zip64 form disagree");
    }
    end = **wide;
  }
  const EndFields& fields = end->fields;
  if (fields.disk != 0 || fields.directory_disk != 0 || fields.entries_on_disk != fields.entries) {
    return split();
  }
  if (fields.directory_offset > end->offset ||
      fields.directory_size != end->offset - fields.directory_offset) {
    return corrupt("the central directory does not end where the end record begins");
  }
  return EndRecord{fields.entries, fields.directory_offset, fields.directory_size};
}

}  // namespace safechunk::archive
