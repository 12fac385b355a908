#include "archive/zip_directory.h"

#include <string_view>
#include <utility>

#include "archive/entry_name.h"
#include "archive/field_reader.h"
#include "archive/zip64_field.h"

namespace safechunk::archive {
namespace {

constexpr std::string_view kSignature("PK\1\2", 4);
constexpr std::uint16_t kDiskSeeZip64 = 0xFFFF;  // 4.4.11
constexpr std::uint16_t kMadeByUnix = 3;         // 4.4.2
constexpr std::uint32_t kUnixPermissions = 0777;

Status corrupt(const char* why) {
  return Status(ErrorCode::corrupt, why);
}

class DirectoryParser {
 public:
  DirectoryParser(SourceWindow& window, const EndRecord& end)
      : window_(window), offset_(end.directory_offset), left_(end.directory_size) {}

  [[nodiscard]] std::uint64_t left() const { return left_; }

  Result<DirectoryEntry> next() {
    const Result<std::string_view> header = take(kDirectoryHeaderBytes);
    if (!header.ok()) return header.status();
    FieldReader reader(*header);
    if (reader.take(4) != kSignature) return corrupt("the central directory is damaged");
    DirectoryEntry entry;
    const auto made_by = reader.next<std::uint16_t>();
    reader.skip(2);  // version needed
    entry.flags = reader.next<std::uint16_t>();
    entry.method = reader.next<std::uint16_t>();
    entry.info.deflated = entry.method == kMethodDeflated;
    reader.skip(4);  // time
    entry.info.crc32 = reader.next<std::uint32_t>();
    const auto compressed_size = reader.next<std::uint32_t>();
    const auto size = reader.next<std::uint32_t>();
    const auto name_bytes = reader.next<std::uint16_t>();
    const auto extra_bytes = reader.next<std::uint16_t>();
    const auto comment_bytes = reader.next<std::uint16_t>();
    const auto disk = reader.next<std::uint16_t>();
    reader.skip(2);  // internal attributes
    entry.external_attributes = reader.next<std::uint32_t>();
    if (made_by >> 8U == kMadeByUnix) {
      entry.info.unix_mode = entry.external_attributes >> 16U & kUnixPermissions;
    }
    const auto header_offset = reader.next<std::uint32_t>();

    const Result<std::string_view> rest =
        take(std::size_t{name_bytes} + extra_bytes + comment_bytes);
    if (!rest.ok()) return rest.status();
    entry.info.name = rest->substr(0, name_bytes);
    const auto zip64 = find_zip64_field(rest->substr(name_bytes, extra_bytes));
    if (!zip64) {
      return entry_error(ErrorCode::corrupt, entry.info.name, "its extra fields are malformed");
    }
    FieldReader wide(*zip64);  // in this order, 4.5.3
    entry.info.size = widen(size, wide);
    entry.info.compressed_size = widen(compressed_size, wide);
    entry.header_offset = widen(header_offset, wide);
    entry.disk = disk == kDiskSeeZip64 ? wide.next<std::uint32_t>() : disk;
    if (!wide.complete()) {
      return entry_error(ErrorCode::corrupt, entry.info.name, "its Zip64 field is too short");
    }
    return entry;
  }

 private:
  Result<std::string_view> take(std::size_t length) {
    if (length > left_) return corrupt("the central directory is cut off");
    Result<std::string_view> bytes = window_.view(offset_, length);
    offset_ += length;
    left_ -= length;
    return bytes;
  }

  SourceWindow& window_;
  std::uint64_t offset_;
  std::uint64_t left_;
};

}  // namespace

Result<std::vector<DirectoryEntry>> read_directory(SourceWindow& window, const EndRecord& end) {
  DirectoryParser parser(window, end);
  std::vector<DirectoryEntry> entries;
  entries.reserve(static_cast<std::size_t>(end.entries));
  while (entries.size() < end.entries) {
    Result<DirectoryEntry> entry = parser.next();
    if (!entry.ok()) return entry.status();
    entries.push_back(*std::move(entry));
  }
  if (parser.left() != 0) return corrupt("the central directory has more than its entries");
  return entries;
}

}  // namespace safechunk::archive
