#include "unit/archive/zip_builder.h"

#include <string_view>
#include <utility>

#include "archive/deflate.h"
#include "base/bytes.h"

namespace safechunk::archive {
namespace {

using namespace std::string_literals;

template <typename T>
std::string little_endian(T value) {
  std::string bytes;
  append_integer(bytes, value);
  return bytes;
}

constexpr std::uint16_t kTime = 0x6000;  // noon
constexpr std::uint16_t kDate = 0x5821;  // 2024-01-01

std::string shared_fields(const RawHeader& header) {
  return le16(header.flags) + le16(header.method) + le16(kTime) + le16(kDate) + le32(header.crc32) +
         le32(header.compressed_size) + le32(header.size) +
         le16(static_cast<std::uint16_t>(header.name.size())) +
         le16(static_cast<std::uint16_t>(header.extra.size()));
}

RawEntry entry_with(const std::string& name, const std::string& content, std::string data,
                    std::uint16_t method) {
  RawEntry entry;
  change_both(entry, [&](RawHeader& header) {
    header.name = name;
    header.method = method;
    header.crc32 = crc32_of(content);
    header.compressed_size = static_cast<std::uint32_t>(data.size());
    header.size = static_cast<std::uint32_t>(content.size());
  });
  entry.data = std::move(data);
  return entry;
}

}  // namespace

std::string le16(std::uint16_t value) {
  return little_endian(value);
}
std::string le32(std::uint32_t value) {
  return little_endian(value);
}
std::string le64(std::uint64_t value) {
  return little_endian(value);
}

RawEntry deflated_entry(const std::string& name, const std::string& content) {
  const DeflatedData data = *Deflater(1).compress(content);
  return entry_with(name, content, std::string(data.bytes.get(), data.size), 8);
}

RawEntry stored_entry(const std::string& name, const std::string& content) {
  return entry_with(name, content, content, 0);
}

RawEntry& change_both(RawEntry& entry, const std::function<void(RawHeader&)>& change) {
  change(entry.local);
  change(entry.central);
  return entry;
}

std::string local_header(const RawHeader& header) {
  return "PK\3\4" + le16(20) + shared_fields(header) + header.name + header.extra;
}

std::string central_header(const RawHeader& header) {
  return "PK\1\2" + le16(0x031E) + le16(20) + shared_fields(header) +
         le16(static_cast<std::uint16_t>(header.comment.size())) + le16(header.disk) + le16(0) +
         le32(header.external_attributes) + le32(header.offset) + header.name + header.extra +
         header.comment;
}

std::string descriptor(const RawEntry& entry, bool with_signature, bool wide) {
  const RawHeader& header = entry.central;
  const std::string signature = with_signature ? "PK\7\10" : "";
  const std::string sizes = wide ? le64(header.compressed_size) + le64(header.size)
                                 : le32(header.compressed_size) + le32(header.size);
  return signature + le32(header.crc32) + sizes;
}

std::string end_record(const RawEnd& end) {
  const auto comment_bytes = static_cast<std::uint16_t>(end.comment.size());
  return "PK\5\6" + le16(end.disk) + le16(end.directory_disk) + le16(end.entries_on_disk) +
         le16(end.entries) + le32(end.directory_size) + le32(end.directory_offset) +
         le16(end.comment_bytes.value_or(comment_bytes)) + end.comment;
}

std::string wide_end_records(const RawWideEnd& wide) {
  return "PK\6\6" + le64(wide.record_bytes) + le16(45) + le16(45) + le32(wide.disk) +
         le32(wide.directory_disk) + le64(wide.entries_on_disk) + le64(wide.entries) +
         le64(wide.directory_size) + le64(wide.directory_offset) + "PK\6\7" +
         le32(wide.locator_disk) + le64(wide.locator_offset) + le32(wide.locator_disks);
}

std::string RawZip::build() const {
  std::string bytes;
  std::string directory;
  for (std::size_t index = 0; index < entries.size(); ++index) {
    const RawEntry& entry = entries[index];
    bytes += entry.before;
    RawHeader central = entry.central;
    central.offset = static_cast<std::uint32_t>(bytes.size());
    if (change_central) change_central(index, central);
    directory += central_header(central);
    bytes += local_header(entry.local) + entry.data + entry.after;
  }
  bytes += before_directory;
  RawEnd end;
  end.entries = end.entries_on_disk = static_cast<std::uint16_t>(entries.size());
  end.directory_offset = static_cast<std::uint32_t>(bytes.size());
  end.directory_size = static_cast<std::uint32_t>(directory.size());
  bytes += directory + after_directory;
  if (wide) {
    RawWideEnd wide_end;
    wide_end.entries = wide_end.entries_on_disk = entries.size();
    wide_end.directory_offset = end.directory_offset;
    wide_end.directory_size = directory.size();
    wide_end.locator_offset = bytes.size();
    if (change_wide_end) change_wide_end(wide_end);
    bytes += wide_end_records(wide_end);
  }
  if (change_end) change_end(end);
  return bytes + end_record(end);
}

std::string zip_of(std::vector<RawEntry> entries) {
  RawZip zip;
  zip.entries = std::move(entries);
  return zip.build();
}

}  // namespace safechunk::archive
