#include "archive/zip_end_record.h"

#include <gtest/gtest.h>

#include <string>

#include "unit/archive/archive_checks.h"

namespace safechunk::archive {
namespace {

using namespace std::string_literals;

RawZip sound_zip() {
  RawZip zip;
  zip.entries = {deflated_entry("a.json", "{}\n"), stored_entry("b.json", "[1, 2, 3]\n")};
  return zip;
}

std::string with_end(const std::function<void(RawEnd&)>& change) {
  RawZip zip = sound_zip();
  zip.change_end = change;
  return zip.build();
}

std::string with_wide_end(const std::function<void(RawWideEnd&)>& change) {
  RawZip zip = sound_zip();
  zip.wide = true;
  zip.change_wide_end = change;
  return zip.build();
}

TEST(ZipEndRecord, AcceptsSoundArchives) {
  const std::map<std::string, std::string> expected = {{"a.json", "{}\n"},
                                                       {"b.json", "[1, 2, 3]\n"}};
  RawZip zip = sound_zip();
  EXPECT_EQ(contents_of(zip.build()), expected);
  zip.wide = true;
  EXPECT_EQ(contents_of(zip.build()), expected);
  zip.change_end = [](RawEnd& end) {
    end.disk = end.directory_disk = end.entries = end.entries_on_disk = 0xFFFF;
    end.directory_offset = end.directory_size = 0xFFFFFFFF;
  };
  EXPECT_EQ(contents_of(zip.build()), expected);
}

TEST(ZipEndRecord, AcceptsAnArchiveWithoutEntries) {
  EXPECT_TRUE(contents_of(zip_of({})).empty());
  RawZip zip;
  zip.wide = true;
  EXPECT_TRUE(contents_of(zip.build()).empty());
}

TEST(ZipEndRecord, AcceptsAComment) {
  for (const std::string& comment : {"made by hand"s, std::string(0xFFFF, 'c'), "PK\3\4PK\1\2"s}) {
    const std::string bytes = with_end([&](RawEnd& end) { end.comment = comment; });
    EXPECT_EQ(contents_of(bytes).size(), 2U);
  }
}

TEST(ZipEndRecord, RefusesACommentThatLooksLikeAnotherEnd) {
  expect_refused(with_end([](RawEnd& end) { end.comment = end_record({}); }), ErrorCode::corrupt,
                 "central directory does not end");
  expect_refused(with_end([](RawEnd& end) { end.comment = end_record({}) + "x"; }),
                 ErrorCode::corrupt, "something follows its end");
}

TEST(ZipEndRecord, RefusesWhatIsNoArchive) {
  for (const std::string& bytes : {""s, "PK"s, "{}\n"s, std::string(21, '\0'),
                                   std::string(200'000, 'x'), std::string(30, 'P')}) {
    expect_refused(bytes, ErrorCode::corrupt, "not a zip archive");
  }
}

TEST(ZipEndRecord, RefusesTruncationAtAnyByte) {
  for (const bool wide : {false, true}) {
    for (const std::string& comment : {""s, "a comment"s}) {
      RawZip zip = sound_zip();
      zip.wide = wide;
      zip.change_end = [&](RawEnd& end) { end.comment = comment; };
      const std::string bytes = zip.build();
      for (std::size_t length = 0; length < bytes.size(); ++length) {
        EXPECT_EQ(open_status(bytes.substr(0, length)).code(), ErrorCode::corrupt) << length;
      }
    }
  }
}

TEST(ZipEndRecord, RefusesTruncationAtTheFront) {
  const std::string bytes = sound_zip().build();
  for (std::size_t start = 1; start < bytes.size(); ++start) {
    EXPECT_EQ(open_status(bytes.substr(start)).code(), ErrorCode::corrupt) << start;
  }
}

TEST(ZipEndRecord, RefusesBytesBehindTheEnd) {
  const std::string bytes = sound_zip().build();
  for (const std::string& garbage : {"\0"s, "x"s, "PK\5\6"s, std::string(1000, 'x'), bytes}) {
    EXPECT_EQ(open_status(bytes + garbage).code(), ErrorCode::corrupt);
  }
  expect_refused(bytes + "x", ErrorCode::corrupt, "something follows its end");
}

TEST(ZipEndRecord, RefusesBytesBeforeTheArchive) {
  const std::string bytes = sound_zip().build();
  for (const std::string& prefix : {"\0"s, "#!/bin/sh\n"s, std::string(100'000, 'x'), bytes}) {
    expect_refused(prefix + bytes, ErrorCode::corrupt, "central directory does not end");
  }
}

TEST(ZipEndRecord, RefusesSplitArchives) {
  const std::string why = "split over disks";
  const auto expect_split = [&](const std::string& bytes) {
    expect_refused(bytes, ErrorCode::unsupported_format, why);
  };
  expect_split(with_end([](RawEnd& end) { end.disk = 1; }));
  expect_split(with_end([](RawEnd& end) { end.directory_disk = 1; }));
  expect_split(with_end([](RawEnd& end) { end.entries_on_disk = 1; }));
  expect_split(with_wide_end([](RawWideEnd& wide) { wide.locator_disk = 1; }));
  expect_split(with_wide_end([](RawWideEnd& wide) { wide.locator_disks = 2; }));
  RawZip zip = sound_zip();
  zip.wide = true;
  zip.change_end = [](RawEnd& end) { end.disk = 0xFFFF; };
  zip.change_wide_end = [](RawWideEnd& wide) { wide.disk = 1; };
  expect_split(zip.build());
}

TEST(ZipEndRecord, RefusesADirectoryElsewhere) {
  for (const int change : {-1, 1, 1000}) {
    const auto moved = [&](RawEnd& end) { end.directory_offset += static_cast<unsigned>(change); };
    const auto resized = [&](RawEnd& end) { end.directory_size += static_cast<unsigned>(change); };
    expect_refused(with_end(moved), ErrorCode::corrupt, "central directory does not end");
    expect_refused(with_end(resized), ErrorCode::corrupt, "central directory does not end");
  }
  expect_refused(with_end([](RawEnd& end) {
                   end.directory_offset = 0xFFFFFFFF;
                   end.directory_size = 0xFFFFFFFF;
                 }),
                 ErrorCode::corrupt, "central directory does not end");
  RawZip zip = sound_zip();
  zip.after_directory = "gap";
  expect_refused(zip.build(), ErrorCode::corrupt, "central directory does not end");
}

TEST(ZipEndRecord, RefusesAZip64RecordThatDisagrees) {
  const auto expect_disagreement = [](const std::function<void(RawWideEnd&)>& change) {
    expect_refused(with_wide_end(change), ErrorCode::corrupt, "disagree");
  };
  expect_disagreement([](RawWideEnd& wide) { ++wide.disk; });
  expect_disagreement([](RawWideEnd& wide) { ++wide.directory_disk; });
  expect_disagreement([](RawWideEnd& wide) { ++wide.entries; });
  expect_disagreement([](RawWideEnd& wide) { ++wide.entries_on_disk; });
  expect_disagreement([](RawWideEnd& wide) { ++wide.directory_offset; });
  expect_disagreement([](RawWideEnd& wide) { wide.directory_size += std::uint64_t{1} << 32U; });
}

TEST(ZipEndRecord, RefusesAZip64RecordThatIsElsewhereOrDamaged) {
  for (const std::uint64_t offset :
       {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 63U}) {
    expect_refused(with_wide_end([&](RawWideEnd& wide) { wide.locator_offset = offset; }),
                   ErrorCode::corrupt, "not where its locator says");
  }
  expect_refused(with_wide_end([](RawWideEnd& wide) { wide.record_bytes = 45; }),
                 ErrorCode::corrupt, "Zip64 end record is damaged");
  // A locator with nothing before it.
  const std::string locator = wide_end_records({}).substr(56);
  expect_refused(locator + end_record({}), ErrorCode::corrupt, "not where its locator says");
}

}  // namespace
}  // namespace safechunk::archive
