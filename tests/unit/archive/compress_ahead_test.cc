#include "archive/compress_ahead.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <initializer_list>
#include <mutex>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

namespace safechunk::archive {
namespace {

std::string text_of(std::size_t index) {
  return "entry " + std::to_string(index * index);
}

std::string plain_of(const DeflatedData& data) {
  std::string plain(static_cast<std::size_t>(data.plain_size), '\0');
  EXPECT_TRUE(inflate_exactly({data.bytes.get(), data.size}, plain).ok());
  return plain;
}

TEST(CompressAhead, GivesEachEntryOnceAndInOrder) {
  for (const unsigned threads : {1U, 2U, 3U, 8U}) {
    for (const std::size_t count : std::initializer_list<std::size_t>{0, 1, 2, 500}) {
      std::atomic<std::size_t> reads = 0;
      CompressAhead ahead(
          count,
          [&](std::size_t index) {
            ++reads;
            return Result<std::string>(text_of(index));
          },
          1, threads);
      for (std::size_t i = 0; i < count; ++i) {
        const Result<DeflatedData> data = ahead.take(i);
        ASSERT_TRUE(data.ok());
        ASSERT_EQ(plain_of(*data), text_of(i));
      }
      EXPECT_EQ(reads, count);
      EXPECT_FALSE(ahead.take(count).ok());
    }
  }
}

TEST(CompressAhead, OneThreadMeansTheOneThatTakes) {
  std::set<std::thread::id> readers;
  CompressAhead ahead(
      100,
      [&](std::size_t index) {
        readers.insert(std::this_thread::get_id());
        return Result<std::string>(text_of(index));
      },
      1, 1);
  for (std::size_t i = 0; i < 100; ++i) ASSERT_TRUE(ahead.take(i).ok());
  EXPECT_EQ(readers, std::set{std::this_thread::get_id()});
}

// The figures of the header comment: how far reading may be ahead of taking.
void expect_bounded(std::size_t entry_bytes, std::size_t entries_ahead) {
  constexpr unsigned kThreads = 4;
  std::minstd_rand random(1);
  std::string text;
  while (text.size() < entry_bytes) text += static_cast<char>(random() >> 8U);
  std::atomic<std::size_t> taken = 0;
  std::atomic<std::size_t> furthest = 0;
  CompressAhead ahead(
      300,
      [&](std::size_t index) {
        const std::size_t distance = index - std::min<std::size_t>(index, taken);
        std::size_t seen = furthest;
        while (distance > seen && !furthest.compare_exchange_weak(seen, distance)) continue;
        return Result<std::string>(text);
      },
      0, kThreads);
  for (std::size_t i = 0; i < 300; ++i) {
    ASSERT_TRUE(ahead.take(i).ok());
    taken = i + 1;
    std::this_thread::yield();
  }
  // `taken` lags behind by the entry that is being taken.
  EXPECT_LE(furthest, entries_ahead + kThreads + 1);
}

TEST(CompressAhead, ReadsNoMoreThanSomeSmallEntriesAhead) {
  expect_bounded(100, CompressAhead::kWaitingEntries);
}

TEST(CompressAhead, ReadsNoMoreThanSomeBytesAhead) {
  expect_bounded(1 << 20, CompressAhead::kWaitingBytes / (1 << 20));
}

TEST(CompressAhead, GivesTheFirstErrorAsItWasAndReadsNothingMore) {
  for (const unsigned threads : {1U, 4U}) {
    std::atomic<std::size_t> reads_after = 0;
    CompressAhead ahead(
        10'000,
        [&](std::size_t index) -> Result<std::string> {
          if (index >= 200) ++reads_after;
          if (index >= 100) {
            return Status(ErrorCode::permission_denied, "no " + std::to_string(index));
          }
          return text_of(index);
        },
        1, threads);
    for (std::size_t i = 0; i < 100; ++i) ASSERT_TRUE(ahead.take(i).ok());
    const Result<DeflatedData> failed = ahead.take(100);
    EXPECT_EQ(failed.code(), ErrorCode::permission_denied);
    EXPECT_EQ(failed.error().message, "no 100");
    EXPECT_EQ(reads_after, 0U);
  }
}

TEST(CompressAhead, ContainsExceptions) {
  for (const unsigned threads : {1U, 2U}) {
    CompressAhead ahead(
        1, [](std::size_t) -> Result<std::string> { throw std::runtime_error("out of luck"); }, 1,
        threads);
    const Result<DeflatedData> failed = ahead.take(0);
    EXPECT_EQ(failed.code(), ErrorCode::io_error);
    EXPECT_NE(failed.error().message.find("out of luck"), std::string::npos);
    CompressAhead other(
        2, [](std::size_t) -> Result<std::string> { throw 1; }, 1, threads);
    EXPECT_EQ(other.take(0).code(), ErrorCode::io_error);
  }
}

TEST(CompressAhead, EndsAtAnyPointWithoutTheRest) {
  for (std::size_t wanted = 0; wanted < 100; wanted += 7) {
    std::atomic<std::size_t> reads = 0;
    {
      CompressAhead ahead(
          100'000,
          [&](std::size_t index) {
            ++reads;
            return Result<std::string>(text_of(index));
          },
          1, 3);
      for (std::size_t i = 0; i < wanted; ++i) ASSERT_TRUE(ahead.take(i).ok());
    }
    EXPECT_LE(reads, wanted + CompressAhead::kWaitingEntries + 3);
  }
}

TEST(CompressAhead, RefusesEntriesOutOfOrder) {
  CompressAhead ahead(
      10, [](std::size_t index) { return Result<std::string>(text_of(index)); }, 1, 2);
  EXPECT_EQ(ahead.take(1).code(), ErrorCode::invalid_argument);
  EXPECT_TRUE(ahead.take(0).ok());
  EXPECT_EQ(ahead.take(0).code(), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace safechunk::archive
