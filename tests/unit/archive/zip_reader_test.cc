#include "archive/zip_reader.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>

#include "archive/deflate.h"
#include "archive/zip_directory.h"
#include "unit/archive/archive_checks.h"

namespace safechunk::archive {
namespace {

using Contents = std::map<std::string, std::string>;

const std::string kContent = "{\"a\": [1, 2, 3, 1, 2, 3, 1, 2, 3]}\n";

// Opens `bytes`, which must work, and reads the first entry, which must not.
void expect_unreadable(const std::string& bytes, const std::string& message_part) {
  MemorySource source(bytes);
  const Result<ZipReader> reader = ZipReader::open(source);
  ASSERT_TRUE(reader.ok()) << reader.status().to_text();
  expect_error(reader->read(0).status(), ErrorCode::corrupt, message_part);
  expect_error(reader->verify(), ErrorCode::corrupt, message_part);
}

std::string with_both_changed(RawEntry entry, const std::function<void(RawHeader&)>& change) {
  return zip_of({change_both(entry, change)});
}

TEST(ZipReader, ReadsStoredAndDeflatedEntries) {
  const std::string big(3 << 20, 'b');
  const Contents contents =
      contents_of(zip_of({stored_entry("stored.json", kContent), stored_entry("nothing", ""),
                          deflated_entry("deflated.json", kContent), deflated_entry("empty", ""),
                          deflated_entry("big.json", big)}));
  EXPECT_EQ(contents, (Contents{{"stored.json", kContent},
                                {"nothing", ""},
                                {"deflated.json", kContent},
                                {"empty", ""},
                                {"big.json", big}}));
}

TEST(ZipReader, TellsWhatTheDirectorySays) {
  const RawEntry entry = deflated_entry("a/b.json", kContent);
  MemorySource source(zip_of({entry}));
  const Result<ZipReader> reader = ZipReader::open(source);
  ASSERT_TRUE(reader.ok());
  const EntryInfo& info = reader->entries().at(0);
  EXPECT_EQ(info.name, "a/b.json");
  EXPECT_EQ(info.size, kContent.size());
  EXPECT_EQ(info.compressed_size, entry.data.size());
  EXPECT_EQ(info.crc32, crc32_of(kContent));
  EXPECT_EQ(reader->read(1).code(), ErrorCode::not_found);
}

TEST(ZipReader, RefusesAWrongCrc) {
  for (const RawEntry& entry : {stored_entry("a", kContent), deflated_entry("a", kContent)}) {
    expect_unreadable(with_both_changed(entry, [](RawHeader& header) { ++header.crc32; }),
                      "archive entry 'a': its data do not have the declared CRC");
  }
}

TEST(ZipReader, RefusesDataThatInflateToMoreThanDeclared) {
  expect_unreadable(with_both_changed(deflated_entry("a", std::string(1 << 20, ' ')),
                                      [](RawHeader& header) { header.size = 1000; }),
                    "archive entry 'a': its data are longer than its header says");
}

TEST(ZipReader, RefusesDataThatInflateToLessThanDeclared) {
  expect_unreadable(
      with_both_changed(deflated_entry("a", kContent), [](RawHeader& header) { ++header.size; }),
      "archive entry 'a': its data are shorter than its header says");
}

TEST(ZipReader, RefusesBytesHiddenBehindTheDeflateStream) {
  RawEntry entry = deflated_entry("a", kContent);
  entry.data += "hidden";
  change_both(entry, [](RawHeader& header) { header.compressed_size += 6; });
  expect_unreadable(zip_of({entry}), "'a': its compressed data end before their end");
}

TEST(ZipReader, RefusesADamagedDeflateStream) {
  RawEntry entry = deflated_entry("a", kContent);
  entry.data[0] = '\xff';  // a block type that does not exist
  expect_unreadable(zip_of({entry}), "'a': its compressed data are damaged");
  entry = deflated_entry("a", "");
  entry.data = "";
  change_both(entry, [](RawHeader& header) { header.compressed_size = 0; });
  expect_unreadable(zip_of({entry}), "'a': its compressed data are damaged");
}

// Entries of all kinds, in an archive of both end records.
std::string varied_zip() {
  RawEntry described = deflated_entry("described.json", kContent);
  change_both(described, [](RawHeader& header) { header.flags |= kFlagDescriptor; });
  described.local.crc32 = described.local.size = described.local.compressed_size = 0;
  described.after = descriptor(described, true, false);
  RawEntry wide = stored_entry("wide.json", "[]\n");
  wide.local.extra = le16(1) + le16(16) + le64(3) + le64(3);
  wide.local.size = wide.local.compressed_size = 0xFFFFFFFF;
  RawZip zip;
  zip.entries = {deflated_entry("a.json", kContent), described, wide};
  zip.wide = true;
  zip.change_end = [](RawEnd& end) { end.comment = "c"; };
  return zip.build();
}

// Refused, or read as it was: nothing else. True when it was read.
bool refused_or_equal(const std::string& bytes, const Contents& expected) {
  MemorySource source(bytes);
  const Result<ZipReader> reader = ZipReader::open(source);
  if (!reader.ok()) return false;
  Contents contents;
  for (std::size_t i = 0; i < reader->entries().size(); ++i) {
    const Result<std::string> content = reader->read(i);
    if (!content.ok()) return false;
    contents[reader->entries()[i].name] = *content;
  }
  EXPECT_EQ(contents, expected);
  return true;
}

TEST(ZipReader, NeverReturnsOtherContentAfterAnySingleByteChanged) {
  const std::string sound = varied_zip();
  const Contents expected = contents_of(sound);
  ASSERT_EQ(expected.size(), 3U);
  std::size_t harmless = 0;
  for (std::size_t i = 0; i < sound.size(); ++i) {
    for (unsigned change = 1; change < 256; ++change) {
      SCOPED_TRACE("byte " + std::to_string(i) + " xor " + std::to_string(change));
      std::string bytes = sound;
      bytes[i] = static_cast<char>(static_cast<unsigned char>(bytes[i]) ^ change);
      if (refused_or_equal(bytes, expected)) ++harmless;
    }
  }
  // Times, versions, permissions, internal attributes and the comment.
  EXPECT_LT(harmless, sound.size() * 255 / 5);
}

TEST(ZipReader, NeverReadsAnArchiveCutOffAnywhere) {
  const std::string sound = varied_zip();
  for (std::size_t length = 0; length < sound.size(); ++length) {
    EXPECT_FALSE(refused_or_equal(sound.substr(0, length), {})) << length;
  }
}

TEST(ZipReader, NeverReturnsOtherContentAfterBytesWereRemovedOrDoubled) {
  const std::string sound = varied_zip();
  for (std::size_t i = 0; i < sound.size(); ++i) {
    for (std::size_t length = 1; length <= 64 && i + length <= sound.size(); length += 9) {
      std::string removed = sound;
      removed.erase(i, length);
      EXPECT_FALSE(refused_or_equal(removed, {})) << i << " " << length;
      std::string doubled = sound;
      doubled.insert(i, sound.substr(i, length));
      EXPECT_FALSE(refused_or_equal(doubled, {})) << i << " " << length;
    }
  }
}

TEST(ZipReader, VerifyFindsTheFirstBadEntryWithAnyNumberOfThreads) {
  std::vector<RawEntry> entries;
  for (int i = 0; i < 100; ++i) {
    entries.push_back(deflated_entry("entry" + std::to_string(i), kContent));
    if (i >= 40) change_both(entries.back(), [](RawHeader& header) { ++header.crc32; });
  }
  MemorySource source(zip_of(entries));
  const Result<ZipReader> reader = ZipReader::open(source);
  ASSERT_TRUE(reader.ok());
  for (const unsigned threads : {1U, 2U, 8U, 64U}) {
    expect_error(reader->verify({threads, {}}), ErrorCode::corrupt, "'entry40'");
  }
  EXPECT_EQ(reader->verify({0, {}}).code(), ErrorCode::invalid_argument);
  EXPECT_EQ(reader->verify({65, {}}).code(), ErrorCode::invalid_argument);
}

TEST(ZipReader, VerifyReportsProgressOnTheCallersThread) {
  std::vector<RawEntry> entries;
  for (int i = 0; i < 100; ++i) entries.push_back(stored_entry(std::to_string(i), kContent));
  MemorySource source(zip_of(entries));
  const Result<ZipReader> reader = ZipReader::open(source);
  ASSERT_TRUE(reader.ok());
  for (const unsigned threads : {1U, 2U, 4U}) {
    const auto caller = std::this_thread::get_id();
    std::uint64_t last = 0;
    const auto progress = [&](std::uint64_t done, std::uint64_t total) {
      EXPECT_EQ(std::this_thread::get_id(), caller);
      EXPECT_GE(done, last);
      EXPECT_EQ(total, 100U);
      last = done;
      return true;
    };
    EXPECT_TRUE(reader->verify({threads, progress}).ok());
    EXPECT_EQ(last, 100U);
  }
}

TEST(ZipReader, VerifyCanBeCancelled) {
  std::vector<RawEntry> entries;
  for (int i = 0; i < 100; ++i) entries.push_back(stored_entry(std::to_string(i), kContent));
  MemorySource source(zip_of(entries));
  const Result<ZipReader> reader = ZipReader::open(source);
  ASSERT_TRUE(reader.ok());
  for (const unsigned threads : {1U, 2U}) {
    const auto refuse = [](std::uint64_t, std::uint64_t) { return false; };
    EXPECT_EQ(reader->verify({threads, refuse}).code(), ErrorCode::cancelled);
    const auto fail = [](std::uint64_t, std::uint64_t) -> bool { throw std::runtime_error("no"); };
    EXPECT_EQ(reader->verify({threads, fail}).code(), ErrorCode::cancelled);
  }
}

TEST(ZipReader, PassesTheErrorOfTheSourceOn) {
  const std::string bytes =
      zip_of({stored_entry("a", kContent), deflated_entry("b", std::string(1 << 20, 'b'))});
  MemorySource counting(bytes);
  ASSERT_TRUE(ZipReader::open(counting).ok());
  MemorySource source(bytes, counting.reads);
  const Result<ZipReader> reader = ZipReader::open(source);
  ASSERT_TRUE(reader.ok());
  expect_error(reader->read(0).status(), ErrorCode::permission_denied, "archive entry 'a'");
  expect_error(reader->read(1).status(), ErrorCode::permission_denied, "archive entry 'b'");
}

// --- the last entry alone

Status status_of_last(const std::string& bytes, const std::string& name) {
  MemorySource source(bytes);
  return ZipReader::open_last(source, name).status();
}

TEST(ZipReader, ReadsTheLastEntryWithoutTheOthers) {
  std::string bytes = zip_of({stored_entry("first.json", "[1]"), stored_entry("last.json", "[2]")});
  bytes[0] = 'x';  // the first entry is damaged
  MemorySource source(bytes);
  const auto reader = ZipReader::open_last(source, "last.json");
  ASSERT_TRUE(reader.ok()) << reader.status().to_text();
  ASSERT_EQ(reader->entries().size(), 1U);
  EXPECT_EQ(reader->read(0).value(), "[2]");
}

TEST(ZipReader, TheLastEntryIsFoundByItsWholeName) {
  const std::string bytes =
      zip_of({stored_entry("a.json", "[1]"), stored_entry("b/a.json", "[2]")});
  for (const char* name : {"a.json", "json", "", "b/a.json.", "c"}) {
    EXPECT_EQ(status_of_last(bytes, name).code(), ErrorCode::not_found) << name;
  }
  EXPECT_TRUE(status_of_last(bytes, "b/a.json").ok());
  EXPECT_EQ(status_of_last(zip_of({}), "a.json").code(), ErrorCode::not_found);
}

// Kills: reading beyond the file, or believing what contradicts itself.
TEST(ZipReader, TheLastEntryOfADamagedArchiveIsRefusedOrWhole) {
  const std::string whole = zip_of({stored_entry("a.json", "[1]"), stored_entry("b.json", "[2]")});
  for (std::size_t at = 0; at < whole.size(); ++at) {
    EXPECT_FALSE(status_of_last(whole.substr(0, at), "b.json").ok()) << at;
    for (const char mask : {'\x01', '\x80', '\xFF'}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ mask);
      MemorySource source(bytes);
      const auto reader = ZipReader::open_last(source, "b.json");
      if (!reader) continue;
      const auto content = reader->read(0);
      EXPECT_EQ(content.ok() ? *content : "[2]", "[2]") << at;
    }
  }
}

}  // namespace
}  // namespace safechunk::archive
