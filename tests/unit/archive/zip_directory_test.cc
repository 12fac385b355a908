#include "archive/zip_directory.h"

#include <gtest/gtest.h>

#include <string>

#include "unit/archive/archive_checks.h"

namespace safechunk::archive {
namespace {

using namespace std::string_literals;

TEST(ZipDirectory, IgnoresExtraFieldsAndCommentsOfEntries) {
  RawEntry entry = deflated_entry("a.json", "{}\n");
  entry.central.extra = le16(0x5455) + le16(5) + "12345";
  entry.local.extra = le16(0x7875) + le16(0);
  entry.central.comment = "PK\5\6";
  EXPECT_EQ(contents_of(zip_of({entry})).at("a.json"), "{}\n");
}

TEST(ZipDirectory, ReadsSizesAndOffsetFromTheZip64Field) {
  RawZip zip;
  zip.entries = {stored_entry("a.json", "{}\n"), deflated_entry("b.json", "[]\n")};
  zip.change_central = [](std::size_t, RawHeader& header) {
    header.extra = le16(1) + le16(28) + le64(header.size) + le64(header.compressed_size) +
                   le64(header.offset) + le32(0);
    header.size = header.compressed_size = header.offset = 0xFFFFFFFF;
    header.disk = 0xFFFF;
  };
  EXPECT_EQ(contents_of(zip.build()).at("b.json"), "[]\n");
}

TEST(ZipDirectory, RefusesAZip64FieldThatIsTooShort) {
  RawEntry entry = stored_entry("a.json", "{}\n");
  entry.central.size = 0xFFFFFFFF;
  expect_refused(zip_of({entry}), ErrorCode::corrupt,
                 "archive entry 'a.json': its Zip64 field is too short");
  entry.central.extra = le16(1) + le16(7) + "1234567";
  expect_refused(zip_of({entry}), ErrorCode::corrupt, "Zip64 field is too short");
}

TEST(ZipDirectory, RefusesMalformedExtraFields) {
  RawEntry entry = stored_entry("a.json", "{}\n");
  for (const std::string& extra :
       {"\0"s, "abc"s, le16(7) + le16(1), le16(7) + le16(0xFFFF) + "x"}) {
    entry.central.extra = extra;
    expect_refused(zip_of({entry}), ErrorCode::corrupt, "'a.json': its extra fields are malformed");
  }
}

TEST(ZipDirectory, RefusesANumberOfEntriesThatIsNotThere) {
  for (const int change : {-2, -1, 1, 1000}) {
    RawZip zip;
    zip.entries = {stored_entry("a.json", "{}\n"), stored_entry("b.json", "{}\n")};
    zip.change_end = [&](RawEnd& end) {
      end.entries = static_cast<std::uint16_t>(end.entries + change);
      end.entries_on_disk = end.entries;
    };
    EXPECT_EQ(open_status(zip.build()).code(), ErrorCode::corrupt) << change;
  }
}

TEST(ZipDirectory, RefusesADirectoryThatIsCutOffOrDamaged) {
  RawZip zip;
  zip.entries = {stored_entry("a.json", "{}\n")};
  zip.after_directory = "x";  // counted as part of the directory
  zip.change_end = [](RawEnd& end) { ++end.directory_size; };
  expect_refused(zip.build(), ErrorCode::corrupt, "more than its entries");

  std::string bytes = zip_of({stored_entry("a.json", "{}\n")});
  bytes[bytes.find("PK\1\2")] = 'Q';
  expect_refused(bytes, ErrorCode::corrupt, "central directory is damaged");

  RawEntry entry = stored_entry("a.json", "{}\n");
  bytes = zip_of({entry});
  bytes[bytes.find("PK\1\2") + 32] = 1;  // a comment of one byte, in the end record
  expect_refused(bytes, ErrorCode::corrupt, "central directory is cut off");
}

}  // namespace
}  // namespace safechunk::archive
