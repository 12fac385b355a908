#include "archive/zip_structure.h"

#include <gtest/gtest.h>

#include <string>

#include "archive/zip_directory.h"
#include "unit/archive/archive_checks.h"

namespace safechunk::archive {
namespace {

using namespace std::string_literals;

std::string with_name(const std::string& name) {
  return zip_of({stored_entry("first.json", "{}\n"), stored_entry(name, "{}\n")});
}

// An archive of one entry whose two headers were changed alike.
std::string with_both_changed(const std::function<void(RawHeader&)>& change) {
  RawEntry entry = stored_entry("a.json", "{}\n");
  return zip_of({change_both(entry, change)});
}

void expect_unsupported(const std::string& bytes, const std::string& message_part) {
  expect_refused(bytes, ErrorCode::unsupported_format, message_part);
}

TEST(ZipStructure, RefusesEmptyNames) {
  expect_unsupported(with_name(""), "'': its name is empty");
}

TEST(ZipStructure, RefusesAbsoluteNames) {
  expect_unsupported(with_name("/etc/passwd"), "'/etc/passwd': its name is absolute");
}

TEST(ZipStructure, RefusesNamesThatClimb) {
  for (const std::string name : {"../a", "a/../../b", "a/..", ".."}) {
    expect_unsupported(with_name(name), "'" + name + "': its name has a component '..'");
  }
}

TEST(ZipStructure, RefusesNamesWithADotComponentOrNone) {
  expect_unsupported(with_name("./a"), "its name has a component '.'");
  expect_unsupported(with_name("a//b"), "its name has an empty component");
}

TEST(ZipStructure, RefusesBackslashes) {
  expect_unsupported(with_name("..\\a"), "its name has a backslash");
}

TEST(ZipStructure, RefusesDriveLettersAndStreams) {
  expect_unsupported(with_name("C:/a"), "its name has a colon");
  expect_unsupported(with_name("a.json:stream"), "its name has a colon");
}

TEST(ZipStructure, RefusesNulAndControlCharacters) {
  expect_unsupported(with_name("a.json\0.txt"s), "'a.json\\x00.txt': its name has a control");
  expect_unsupported(with_name("a\x1b[2J"), "'a\\x1b[2J': its name has a control character");
}

TEST(ZipStructure, RefusesNamesThatAreNotUtf8) {
  expect_unsupported(with_name("\xe4.json"), "'\\xe4.json': its name is not UTF-8");
}

TEST(ZipStructure, RefusesDirectories) {
  const std::string why = "it is a directory";
  expect_unsupported(zip_of({stored_entry("chunks/", "")}), "its name is that of a directory");
  RawEntry entry = stored_entry("chunks", "");
  entry.central.external_attributes = 0040755U << 16U;
  expect_unsupported(zip_of({entry}), why);
  entry.central.external_attributes = 0x10;
  expect_unsupported(zip_of({entry}), why);
}

TEST(ZipStructure, RefusesSymbolicLinks) {
  RawEntry entry = stored_entry("a.json", "/etc/passwd");
  entry.central.external_attributes = 0120777U << 16U;
  expect_unsupported(zip_of({entry}), "'a.json': it is a symbolic link");
  entry.central.external_attributes = 0x400;
  expect_unsupported(zip_of({entry}), "'a.json': it is a symbolic link");
}

TEST(ZipStructure, RefusesSpecialFiles) {
  for (const std::uint32_t type : {0010000U, 0020000U, 0060000U, 0140000U, 0150000U, 0170000U}) {
    RawEntry entry = stored_entry("a.json", "");
    entry.central.external_attributes = (type | 0644U) << 16U;
    expect_unsupported(zip_of({entry}), "'a.json': it is a special file");
  }
}

TEST(ZipStructure, AcceptsRegularFilesWithAnyPermissionsOrNone) {
  for (const std::uint32_t mode : {0U, 0600U, 0100000U, 0100644U, 0107777U}) {
    RawEntry entry = stored_entry("a.json", "{}\n");
    entry.central.external_attributes = mode << 16U | 0x21;  // read-only, archive
    EXPECT_EQ(contents_of(zip_of({entry})).size(), 1U);
  }
}

TEST(ZipStructure, RefusesDuplicates) {
  expect_unsupported(with_name("first.json"), "'first.json': another entry has the same name");
}

TEST(ZipStructure, RefusesDuplicatesThatDifferInCaseOnly) {
  expect_unsupported(with_name("First.JSON"),
                     "'First.JSON': another entry has the same name: 'first.json'");
}

TEST(ZipStructure, RefusesEncryptedEntries) {
  for (const std::uint16_t flag : {kFlagEncrypted, kFlagStrongEncryption, kFlagMaskedHeaders}) {
    expect_unsupported(with_both_changed([&](RawHeader& header) { header.flags = flag; }),
                       "'a.json': it is encrypted");
  }
}

TEST(ZipStructure, RefusesUnknownFlags) {
  for (const unsigned bit : {4U, 5U, 7U, 8U, 9U, 10U, 12U, 14U, 15U}) {
    const auto flags = static_cast<std::uint16_t>(1U << bit);
    expect_unsupported(with_both_changed([&](RawHeader& header) { header.flags = flags; }),
                       "'a.json': its general purpose flags are unknown");
  }
}

TEST(ZipStructure, RefusesOtherMethods) {
  for (const unsigned number : {1U, 6U, 9U, 12U, 14U, 93U, 95U, 98U, 99U, 0xFFFFU}) {
    const auto method = static_cast<std::uint16_t>(number);
    expect_unsupported(with_both_changed([&](RawHeader& header) { header.method = method; }),
                       "'a.json': its compression method is neither store nor deflate");
  }
}

TEST(ZipStructure, RefusesEntriesOnOtherDisks) {
  RawEntry entry = stored_entry("a.json", "{}\n");
  entry.central.disk = 1;
  expect_unsupported(zip_of({entry}), "'a.json': it lies on another disk");
}

TEST(ZipStructure, RefusesTwoEntriesOverTheSameData) {
  RawZip zip;
  zip.entries = {stored_entry("a.json", "{}\n"), stored_entry("b.json", "{}\n")};
  zip.change_central = [](std::size_t, RawHeader& header) { header.offset = 0; };
  expect_refused(zip.build(), ErrorCode::corrupt, "it overlaps with the next entry");
}

TEST(ZipStructure, RefusesAnEntryWithinTheDataOfAnother) {
  RawEntry inner = stored_entry("inner.json", "{}\n");
  const std::string hidden = local_header(inner.local) + inner.data;
  RawZip zip;
  zip.entries = {stored_entry("outer.json", hidden), inner};
  zip.change_central = [&](std::size_t index, RawHeader& header) {
    if (index == 1) header.offset -= static_cast<std::uint32_t>(hidden.size());
  };
  expect_refused(zip.build(), ErrorCode::corrupt, "'outer.json': it overlaps with the next entry");
}

TEST(ZipStructure, RefusesDataThatReachIntoTheDirectory) {
  for (const std::uint32_t more : {1U, 1000U, 0xFFFFFFF0U}) {
    RawEntry entry = stored_entry("a.json", "{}\n");
    change_both(entry, [&](RawHeader& header) { header.size = header.compressed_size += more; });
    expect_refused(zip_of({entry}), ErrorCode::corrupt, "'a.json': it overlaps with");
  }
  // In 64 bits, where offset + size overflows.
  RawEntry entry = stored_entry("a.json", "{}\n");
  change_both(entry, [](RawHeader& header) {
    header.extra = le16(1) + le16(16) + le64(~std::uint64_t{0}) + le64(~std::uint64_t{0});
    header.size = header.compressed_size = 0xFFFFFFFF;
  });
  expect_refused(zip_of({entry}), ErrorCode::corrupt, "'a.json': it overlaps with");
}

TEST(ZipStructure, RefusesALocalHeaderInTheDirectoryOrBehindIt) {
  for (const std::uint32_t more : {0U, 1U, 1000U, 0xFFFFFF00U}) {
    RawZip zip;
    zip.entries = {stored_entry("a.json", "{}\n"), stored_entry("b.json", "{}\n")};
    const std::uint32_t directory = 2 * (30 + 6 + 3);
    zip.change_central = [&](std::size_t index, RawHeader& header) {
      if (index == 1) header.offset = directory + more;
    };
    EXPECT_EQ(open_status(zip.build()).code(), ErrorCode::corrupt) << more;
  }
}

TEST(ZipStructure, RefusesGaps) {
  RawZip zip;
  zip.entries = {stored_entry("a.json", "{}\n"), stored_entry("b.json", "{}\n")};
  zip.entries[0].before = "x";
  expect_refused(zip.build(), ErrorCode::corrupt, "before the first entry");
  zip.entries[0].before = "";
  zip.entries[1].before = "x";
  expect_refused(zip.build(), ErrorCode::corrupt, "'a.json': unknown bytes follow its data");
  zip.entries[1].before = "";
  zip.before_directory = "x";
  expect_refused(zip.build(), ErrorCode::corrupt, "'b.json': unknown bytes follow its data");
  zip.entries = {};
  expect_refused(zip.build(), ErrorCode::corrupt, "before the first entry");
}

TEST(ZipStructure, AcceptsADirectoryInAnotherOrderThanTheData) {
  const RawEntry a = stored_entry("a.json", "{}\n");
  const RawEntry b = stored_entry("b.json", "[]\n");
  RawHeader first = b.central;
  first.offset = static_cast<std::uint32_t>(local_header(a.local).size() + a.data.size());
  const std::string data = local_header(a.local) + a.data + local_header(b.local) + b.data;
  const std::string directory = central_header(first) + central_header(a.central);
  RawEnd end;
  end.entries = end.entries_on_disk = 2;
  end.directory_offset = static_cast<std::uint32_t>(data.size());
  end.directory_size = static_cast<std::uint32_t>(directory.size());
  MemorySource source(data + directory + end_record(end));
  const Result<std::vector<EntryInfo>> entries = read_structure(source, {});
  ASSERT_TRUE(entries.ok()) << entries.status().to_text();
  EXPECT_EQ((*entries)[0].name, "b.json");
  EXPECT_EQ((*entries)[1].name, "a.json");
}

TEST(ZipStructure, RefusesAStoredEntryOfTwoSizes) {
  RawEntry entry = stored_entry("a.json", "{}\n");
  change_both(entry, [](RawHeader& header) { header.size = 1000; });
  expect_refused(zip_of({entry}), ErrorCode::corrupt, "'a.json': it is stored, and yet has two");
}

TEST(ZipStructure, RefusesBombsByRatio) {
  RawEntry entry = deflated_entry("a.json", std::string(1 << 20, ' '));
  EXPECT_TRUE(open_status(zip_of({entry})).ok()) << "no deflate stream is refused by itself";
  ReadLimits limits;
  limits.max_ratio = 100;
  expect_error(open_status(zip_of({entry}), limits), ErrorCode::too_large,
               "'a.json': it grows more than 100 times");
  change_both(entry, [](RawHeader& header) { header.size = 300 << 20; });
  expect_refused(zip_of({entry}), ErrorCode::too_large, "'a.json': it grows more than 1100 times");
  limits.max_ratio = 0;
  EXPECT_EQ(open_status(zip_of({entry}), limits).code(), ErrorCode::too_large);
}

TEST(ZipStructure, RefusesBombsByTheSizeOfAnEntry) {
  ReadLimits limits;
  limits.max_entry_bytes = 1000;
  const std::string allowed = zip_of({stored_entry("a.json", std::string(1000, ' '))});
  EXPECT_TRUE(open_status(allowed, limits).ok());
  for (const RawEntry& entry : {stored_entry("a.json", std::string(1001, ' ')),
                                deflated_entry("a.json", std::string(1001, ' '))}) {
    expect_error(open_status(zip_of({entry}), limits), ErrorCode::too_large,
                 "'a.json': it has more than 1000 bytes");
  }
  // Little plain data in many compressed bytes: empty deflate blocks.
  RawEntry padded = deflated_entry("a.json", "");
  padded.data = std::string(2000, '\0');
  change_both(padded, [](RawHeader& header) { header.compressed_size = 2000; });
  EXPECT_EQ(open_status(zip_of({padded}), limits).code(), ErrorCode::too_large);
}

TEST(ZipStructure, RefusesBombsByTotalSize) {
  ReadLimits limits;
  limits.max_total_bytes = 2500;
  std::vector<RawEntry> entries;
  for (const char* name : {"a", "b", "c"}) {
    entries.push_back(deflated_entry(name, std::string(1000, ' ')));
    const Status status = open_status(zip_of(entries), limits);
    EXPECT_EQ(status.ok(), entries.size() < 3) << status.to_text();
  }
  expect_error(open_status(zip_of(entries), limits), ErrorCode::too_large,
               "'c': with it the archive has more than 2500 bytes");
}

TEST(ZipStructure, RefusesBombsByCount) {
  ReadLimits limits;
  limits.max_entries = 2;
  std::vector<RawEntry> entries = {stored_entry("a", ""), stored_entry("b", "")};
  EXPECT_TRUE(open_status(zip_of(entries), limits).ok());
  entries.push_back(stored_entry("c", ""));
  expect_error(open_status(zip_of(entries), limits), ErrorCode::too_large, "more than 2 entries");
  limits = {};
  limits.max_directory_bytes = 100;
  expect_error(open_status(zip_of(entries), limits), ErrorCode::too_large, "central directory");
}

TEST(ZipStructure, BelievesNoCountBeforeItTakesMemory) {
  RawZip zip;
  zip.wide = true;
  zip.change_end = [](RawEnd& end) { end.entries = end.entries_on_disk = 0xFFFF; };
  zip.change_wide_end = [](RawWideEnd& wide) { wide.entries = wide.entries_on_disk = 1'000'000; };
  expect_refused(zip.build(), ErrorCode::corrupt, "too short for its entries");
  zip.change_wide_end = [](RawWideEnd& wide) {
    wide.entries = wide.entries_on_disk = ~std::uint64_t{0};
  };
  expect_refused(zip.build(), ErrorCode::too_large, "entries");
}

TEST(ZipStructure, ReadsArchivesBeyondFourGibibytes) {
  constexpr std::uint64_t kBig = std::uint64_t{5} << 30U;
  RawEntry big = stored_entry("big.json", "");
  change_both(big, [](RawHeader& header) {
    header.extra = le16(1) + le16(16) + le64(kBig) + le64(kBig);
    header.size = header.compressed_size = 0xFFFFFFFF;
  });
  RawEntry small = stored_entry("small.json", "{}\n");
  const std::uint64_t small_offset = local_header(big.local).size() + kBig;
  small.central.offset = 0xFFFFFFFF;
  small.central.extra = le16(1) + le16(8) + le64(small_offset);
  const std::string small_part = local_header(small.local) + small.data;
  const std::string directory = central_header(big.central) + central_header(small.central);
  RawWideEnd wide;
  wide.entries = wide.entries_on_disk = 2;
  wide.directory_offset = small_offset + small_part.size();
  wide.directory_size = directory.size();
  wide.locator_offset = wide.directory_offset + wide.directory_size;
  RawEnd end;
  end.entries = end.entries_on_disk = 2;
  end.directory_size = static_cast<std::uint32_t>(directory.size());
  end.directory_offset = 0xFFFFFFFF;
  SparseSource source;
  source.put(0, local_header(big.local));
  source.put(small_offset, small_part + directory + wide_end_records(wide) + end_record(end));

  EXPECT_EQ(ZipReader::open(source).code(), ErrorCode::too_large);
  ReadLimits limits;
  limits.max_entry_bytes = kBig;
  const Result<ZipReader> reader = ZipReader::open(source, limits);
  ASSERT_TRUE(reader.ok()) << reader.status().to_text();
  EXPECT_EQ(reader->entries()[0].size, kBig);
  EXPECT_EQ(reader->read(1).value(), "{}\n");
}

TEST(ZipStructure, PassesTheErrorOfTheSourceOn) {
  const std::string bytes = zip_of({deflated_entry("a.json", std::string(100'000, 'a'))});
  MemorySource counting(bytes);
  ASSERT_TRUE(ZipReader::open(counting).ok());
  for (std::size_t fail_at = 0; fail_at < counting.reads; ++fail_at) {
    MemorySource source(bytes, fail_at);
    EXPECT_EQ(ZipReader::open(source).code(), ErrorCode::permission_denied);
  }
}

}  // namespace
}  // namespace safechunk::archive
