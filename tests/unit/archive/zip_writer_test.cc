#include "archive/zip_writer.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include "archive/deflate.h"
#include "unit/archive/archive_checks.h"

namespace safechunk::archive {
namespace {

using Contents = std::map<std::string, std::string>;

EntryToWrite entry_of(std::string name, std::string content) {
  EntryToWrite entry;
  entry.name = std::move(name);
  entry.modified_unix_seconds = 1'700'000'000;
  entry.read = [content = std::move(content)] { return Result<std::string>(content); };
  return entry;
}

std::vector<EntryToWrite> entries_of(const Contents& contents) {
  std::vector<EntryToWrite> entries;
  for (const auto& [name, content] : contents) entries.push_back(entry_of(name, content));
  return entries;
}

std::string random_bytes(std::size_t count) {
  std::minstd_rand random(1);
  std::string bytes;
  while (bytes.size() < count) bytes += static_cast<char>(random() >> 8U);
  return bytes;
}

Contents varied_contents() {
  Contents contents = {{"checkpoint_meta.json", "{}\n"},
                       {"empty", ""},
                       {"one", "1"},
                       {"big.json", std::string(5 << 20, '7')},
                       {"random", random_bytes(700'000)},
                       {"chunks/\u00e4\U0001F600.json", "\"\u00e4\"\n"}};
  for (int i = 0; i < 200; ++i) {
    contents["chunks/" + std::to_string(i) + ".json"] =
        std::string(static_cast<size_t>(i) * 50, 'x');
  }
  return contents;
}

WriteOptions with_threads(unsigned threads) {
  WriteOptions options;
  options.threads = threads;
  return options;
}

TEST(ZipWriter, WritesWhatTheReaderReads) {
  const Contents contents = varied_contents();
  for (const int level : {0, 1, 6, 12}) {
    MemorySink sink;
    WriteOptions options;
    options.level = level;
    ASSERT_TRUE(write_zip(sink, entries_of(contents), options).ok());
    EXPECT_TRUE(contents_of(sink.bytes) == contents) << level;
  }
}

TEST(ZipWriter, WritesTheSameBytesWithAnyNumberOfThreads) {
  MemorySink expected;
  ASSERT_TRUE(write_zip(expected, entries_of(varied_contents()), with_threads(1)).ok());
  for (const unsigned threads : {2U, 3U, 8U, 64U}) {
    MemorySink sink;
    ASSERT_TRUE(write_zip(sink, entries_of(varied_contents()), with_threads(threads)).ok());
    EXPECT_TRUE(sink.bytes == expected.bytes) << threads;
  }
}

TEST(ZipWriter, KeepsTheOrderOfTheEntries) {
  MemorySink sink;
  ASSERT_TRUE(
      write_zip(sink, {entry_of("c", "1"), entry_of("a", "2"), entry_of("b", "3")}, {}).ok());
  MemorySource source(sink.bytes);
  const Result<ZipReader> reader = ZipReader::open(source);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader->entries().at(0).name, "c");
  EXPECT_EQ(reader->entries().at(2).name, "b");
}

// libzip must copy what libdeflate made, and not compress it again with zlib.
TEST(ZipWriter, HandsTheCompressedDataOnUntouched) {
  const std::string content = random_bytes(1000) + std::string(100'000, 'a') + random_bytes(1000);
  MemorySink sink;
  ASSERT_TRUE(write_zip(sink, {entry_of("a", content)}, {}).ok());
  MemorySource source(sink.bytes);
  const Result<ZipReader> reader = ZipReader::open(source);
  ASSERT_TRUE(reader.ok());
  const EntryInfo& info = reader->entries().at(0);
  const DeflatedData data = *Deflater(1).compress(content);
  EXPECT_TRUE(info.deflated);
  EXPECT_TRUE(std::string_view(sink.bytes).substr(info.data_offset, info.compressed_size) ==
              std::string_view(data.bytes.get(), data.size));
}

TEST(ZipWriter, WritesAnArchiveWithoutEntries) {
  MemorySink sink;
  ASSERT_TRUE(write_zip(sink, {}, {}).ok());
  EXPECT_EQ(sink.bytes, zip_of({}));
  MemorySink failing(0);
  EXPECT_EQ(write_zip(failing, {}, {}).code(), ErrorCode::no_space);
}

TEST(ZipWriter, WritesTimesThatAHeaderCannotHoldAsTheNearestItCan) {
  for (const std::int64_t seconds :
       {std::numeric_limits<std::int64_t>::min(), std::int64_t{0}, std::int64_t{4'354'819'200},
        std::numeric_limits<std::int64_t>::max()}) {
    MemorySink sink;
    EntryToWrite entry = entry_of("a", "{}\n");
    entry.modified_unix_seconds = seconds;
    ASSERT_TRUE(write_zip(sink, {entry}, {}).ok());
    EXPECT_EQ(contents_of(sink.bytes).size(), 1U);
    const int year = 1980 + (static_cast<unsigned char>(sink.bytes[13]) >> 1);
    EXPECT_EQ(year, seconds <= 0 ? 1980 : 2107);
  }
}

TEST(ZipWriter, RefusesNamesThatTheReaderWouldRefuse) {
  for (const std::string name : {"", "/a", "../a", "a/", "a\\b", "a:b", "a\nb", "\xff"}) {
    MemorySink sink;
    EXPECT_EQ(write_zip(sink, {entry_of(name, "")}, {}).code(), ErrorCode::invalid_argument);
    EXPECT_EQ(sink.writes, 0U);
  }
  MemorySink sink;
  EXPECT_EQ(write_zip(sink, {entry_of("a", ""), entry_of("A", "")}, {}).code(),
            ErrorCode::invalid_argument);
  EXPECT_EQ(sink.writes, 0U);
}

TEST(ZipWriter, RefusesOptionsOutOfRange) {
  MemorySink sink;
  for (const int level : {-1, 13}) {
    WriteOptions options;
    options.level = level;
    EXPECT_EQ(write_zip(sink, {}, options).code(), ErrorCode::invalid_argument);
  }
  for (const unsigned threads : {0U, 65U}) {
    EXPECT_EQ(write_zip(sink, {}, with_threads(threads)).code(), ErrorCode::invalid_argument);
  }
}

TEST(ZipWriter, ReturnsTheErrorOfTheSinkWhereverItFails) {
  const Contents contents = varied_contents();
  for (const unsigned threads : {1U, 2U}) {
    MemorySink counting;
    ASSERT_TRUE(write_zip(counting, entries_of(contents), with_threads(threads)).ok());
    ASSERT_GT(counting.writes, 3U);
    for (std::size_t fail_at = 0; fail_at < counting.writes; ++fail_at) {
      MemorySink sink(fail_at);
      const Status status = write_zip(sink, entries_of(contents), with_threads(threads));
      expect_error(status, ErrorCode::no_space, "write " + std::to_string(fail_at) + " failed");
      EXPECT_EQ(status.error().os_errno, 28);
      EXPECT_LE(sink.writes, fail_at + 2) << "writing went on after the failure";
    }
  }
}

TEST(ZipWriter, ReturnsTheFirstErrorOfReading) {
  for (const unsigned threads : {1U, 2U, 4U}) {
    for (const std::size_t bad : std::initializer_list<std::size_t>{0, 1, 50, 199}) {
      std::vector<EntryToWrite> entries;
      for (std::size_t i = 0; i < 200; ++i) {
        entries.push_back(entry_of(std::to_string(i), std::string(i * 100, 'x')));
        if (i < bad) continue;
        entries.back().read = [i]() -> Result<std::string> {
          return Status(ErrorCode::permission_denied, "no " + std::to_string(i));
        };
      }
      MemorySink sink;
      const Status status = write_zip(sink, entries, with_threads(threads));
      EXPECT_EQ(status.code(), ErrorCode::permission_denied);
      EXPECT_EQ(status.error().message, "no " + std::to_string(bad));
      EXPECT_FALSE(open_status(sink.bytes).ok());
    }
  }
}

TEST(ZipWriter, ContainsExceptionsOfReading) {
  for (const unsigned threads : {1U, 2U}) {
    std::vector<EntryToWrite> entries = {entry_of("a", "{}"), entry_of("b", "{}")};
    entries[1].read = []() -> Result<std::string> { throw std::runtime_error("out of luck"); };
    MemorySink sink;
    expect_error(write_zip(sink, entries, with_threads(threads)), ErrorCode::io_error,
                 "out of luck");
    entries[1].read = nullptr;
    EXPECT_EQ(write_zip(sink, entries, with_threads(threads)).code(), ErrorCode::io_error);
  }
}

TEST(ZipWriter, ReportsProgressOnTheCallersThread) {
  for (const unsigned threads : {1U, 3U}) {
    const auto caller = std::this_thread::get_id();
    std::uint64_t last = 0;
    WriteOptions options = with_threads(threads);
    options.progress = [&](std::uint64_t done, std::uint64_t total) {
      EXPECT_EQ(std::this_thread::get_id(), caller);
      EXPECT_EQ(done, last + 1);
      EXPECT_EQ(total, 206U);
      last = done;
      return true;
    };
    MemorySink sink;
    ASSERT_TRUE(write_zip(sink, entries_of(varied_contents()), options).ok());
    EXPECT_EQ(last, 206U);
  }
}

TEST(ZipWriter, CanBeCancelledAfterAnyEntry) {
  for (const unsigned threads : {1U, 2U}) {
    for (const std::uint64_t limit : std::initializer_list<std::uint64_t>{1, 2, 100, 206}) {
      WriteOptions options = with_threads(threads);
      std::uint64_t calls = 0;
      options.progress = [&](std::uint64_t done, std::uint64_t) {
        ++calls;
        return done < limit;
      };
      MemorySink sink;
      expect_error(write_zip(sink, entries_of(varied_contents()), options), ErrorCode::cancelled,
                   "cancelled");
      EXPECT_EQ(calls, limit);
      EXPECT_FALSE(open_status(sink.bytes).ok());
    }
  }
}

TEST(ZipWriter, TakesAnExceptionOfTheProgressHandlerAsCancelling) {
  WriteOptions options;
  options.progress = [](std::uint64_t, std::uint64_t) -> bool { throw std::runtime_error("no"); };
  MemorySink sink;
  EXPECT_EQ(write_zip(sink, {entry_of("a", "")}, options).code(), ErrorCode::cancelled);
  options.progress = [](std::uint64_t, std::uint64_t) -> bool { throw 1; };
  EXPECT_EQ(write_zip(sink, {entry_of("a", "")}, options).code(), ErrorCode::cancelled);
}

TEST(ZipWriter, WritesMoreEntriesThanSixteenBitsCount) {
  for (const std::size_t count :
       std::initializer_list<std::size_t>{65'534, 65'535, 65'536, 65'600}) {
    std::vector<EntryToWrite> entries;
    for (std::size_t i = 0; i < count; ++i) entries.push_back(entry_of(std::to_string(i), "{}"));
    MemorySink sink;
    ASSERT_TRUE(write_zip(sink, std::move(entries), {}).ok());
    MemorySource source(sink.bytes);
    const Result<ZipReader> reader = ZipReader::open(source);
    ASSERT_TRUE(reader.ok()) << reader.status().to_text();
    EXPECT_EQ(reader->entries().size(), count);
    EXPECT_TRUE(reader->verify().ok());
  }
}

}  // namespace
}  // namespace safechunk::archive
