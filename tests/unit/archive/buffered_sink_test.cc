#include "archive/buffered_sink.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "unit/archive/memory_stream.h"

namespace safechunk::archive {
namespace {

TEST(BufferedSink, JoinsSmallWrites) {
  MemorySink sink;
  BufferedSink buffered(sink);
  const std::string piece(8192, 'a');
  for (int i = 0; i < 320; ++i) ASSERT_TRUE(buffered.write(piece).ok());
  ASSERT_TRUE(buffered.flush().ok());
  EXPECT_EQ(sink.bytes.size(), 320 * piece.size());
  EXPECT_EQ(sink.writes, 320 * piece.size() / BufferedSink::kBytes);
}

TEST(BufferedSink, ChangesWithinTheBufferCostNoWrite) {
  MemorySink sink;
  BufferedSink buffered(sink);
  ASSERT_TRUE(buffered.write("0123456789").ok());
  buffered.seek(8);
  ASSERT_TRUE(buffered.write("abcd").ok());
  EXPECT_EQ(buffered.position(), 12U);
  EXPECT_EQ(buffered.size(), 12U);
  ASSERT_TRUE(buffered.flush().ok());
  EXPECT_EQ(sink.bytes, "01234567abcd");
  EXPECT_EQ(sink.writes, 1U);
}

TEST(BufferedSink, WritesWhatItIsToldInWhateverOrder) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    std::minstd_rand random(seed);
    MemorySink sink;
    BufferedSink buffered(sink);
    std::string expected;
    for (int step = 0; step < 60; ++step) {
      const std::size_t position =
          step % 3 == 0 ? random() % (expected.size() + 1) : expected.size();
      const std::string bytes(random() % 50'000, static_cast<char>('a' + step % 26));
      buffered.seek(position);
      ASSERT_TRUE(buffered.write(bytes).ok());
      expected.replace(position, std::min(bytes.size(), expected.size() - position), bytes);
      ASSERT_EQ(buffered.size(), expected.size());
      if (random() % 10 == 0) {
        ASSERT_TRUE(buffered.flush().ok());
      }
    }
    ASSERT_TRUE(buffered.flush().ok());
    EXPECT_TRUE(sink.bytes == expected);
  }
}

TEST(BufferedSink, PassesTheErrorOfTheSinkOn) {
  MemorySink sink(0);
  BufferedSink buffered(sink);
  EXPECT_TRUE(buffered.write("a").ok());
  EXPECT_EQ(buffered.flush().code(), ErrorCode::no_space);
  EXPECT_EQ(buffered.write(std::string(BufferedSink::kBytes, 'a')).code(), ErrorCode::no_space);
}

}  // namespace
}  // namespace safechunk::archive
