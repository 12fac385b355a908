// Builds zip archives byte by byte, with every field free to lie. What is left alone is right.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace safechunk::archive {

inline constexpr std::uint32_t kRegularFile = 0100644U << 16U;

// The fields of a local or a central header, APPNOTE.TXT 4.3.7 and 4.3.12.
struct RawHeader {
  std::string name;
  std::string extra;
  std::string comment;  // the rest is for the central header only, but for what both have
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t crc32 = 0;
  std::uint32_t compressed_size = 0;
  std::uint32_t size = 0;
  std::uint16_t disk = 0;
  std::uint32_t external_attributes = kRegularFile;
  std::uint32_t offset = 0;
};

struct RawEntry {
  std::string before;  // bytes before the local header
  RawHeader local;
  std::string data;
  std::string after;  // bytes after the data: a descriptor
  RawHeader central;
};

// An entry that is right in all respects, deflated or stored.
RawEntry deflated_entry(const std::string& name, const std::string& content);
RawEntry stored_entry(const std::string& name, const std::string& content);

// The same change made in both headers, so that they go on agreeing.
RawEntry& change_both(RawEntry& entry, const std::function<void(RawHeader&)>& change);

std::string local_header(const RawHeader& header);
std::string central_header(const RawHeader& header);
// The data descriptor, 4.3.9.
std::string descriptor(const RawEntry& entry, bool with_signature, bool wide);

// The end of central directory record, 4.3.16.
struct RawEnd {
  std::uint16_t disk = 0;
  std::uint16_t directory_disk = 0;
  std::uint16_t entries_on_disk = 0;
  std::uint16_t entries = 0;
  std::uint32_t directory_size = 0;
  std::uint32_t directory_offset = 0;
  std::string comment;
  std::optional<std::uint16_t> comment_bytes;
};

// The Zip64 end record and its locator, 4.3.14 and 4.3.15.
struct RawWideEnd {
  std::uint64_t record_bytes = 44;
  std::uint32_t disk = 0;
  std::uint32_t directory_disk = 0;
  std::uint64_t entries_on_disk = 0;
  std::uint64_t entries = 0;
  std::uint64_t directory_size = 0;
  std::uint64_t directory_offset = 0;
  std::uint32_t locator_disk = 0;
  std::uint64_t locator_offset = 0;
  std::uint32_t locator_disks = 1;
};

std::string end_record(const RawEnd& end);
std::string wide_end_records(const RawWideEnd& wide);

struct RawZip {
  std::vector<RawEntry> entries;
  std::string before_directory;
  std::string after_directory;
  bool wide = false;
  // Called with the right values, to make them wrong.
  std::function<void(RawEnd&)> change_end;
  std::function<void(RawWideEnd&)> change_wide_end;
  // Called with each central header once its offset is known.
  std::function<void(std::size_t index, RawHeader&)> change_central;

  [[nodiscard]] std::string build() const;
};

std::string zip_of(std::vector<RawEntry> entries);

// Little-endian bytes.
std::string le16(std::uint16_t value);
std::string le32(std::uint32_t value);
std::string le64(std::uint64_t value);

}  // namespace safechunk::archive
