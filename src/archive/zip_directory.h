// The central directory of a zip archive (APPNOTE.TXT 4.3.12), as it is written, not yet judged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <safechunk/status.hpp>

#include "archive/entry_info.h"
#include "archive/source_window.h"
#include "archive/zip_end_record.h"

namespace safechunk::archive {

inline constexpr std::size_t kDirectoryHeaderBytes = 46;  // without name, extra fields, comment

inline constexpr std::uint16_t kFlagEncrypted = 1U << 0;  // 4.4.4, and so are the next
inline constexpr std::uint16_t kFlagDescriptor = 1U << 3;
inline constexpr std::uint16_t kFlagStrongEncryption = 1U << 6;
inline constexpr std::uint16_t kFlagUtf8 = 1U << 11;
inline constexpr std::uint16_t kFlagMaskedHeaders = 1U << 13;

inline constexpr std::uint16_t kMethodStored = 0;  // 4.4.5
inline constexpr std::uint16_t kMethodDeflated = 8;

// One header; everything but info.data_offset, which only the local header tells.
struct DirectoryEntry {
  EntryInfo info;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t disk = 0;
  std::uint32_t external_attributes = 0;
  std::uint64_t header_offset = 0;  // of the local header
};

// All headers, in their order. corrupt when they do not fill the directory exactly; the source's
// error otherwise. Takes memory for `end.entries` at once: that number must have been checked.
Result<std::vector<DirectoryEntry>> read_directory(SourceWindow& window, const EndRecord& end);

}  // namespace safechunk::archive
