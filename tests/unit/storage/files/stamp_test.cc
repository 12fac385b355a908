#include "storage/files/stamp.h"

#include <gtest/gtest.h>

namespace safechunk {
namespace {

Stamp example() {
  Stamp stamp;
  stamp.modified_ns = 1'700'000'000'123'456'789;
  stamp.sequence = 42;
  stamp.journal_token = 0xDEADBEEF;
  stamp.bytes = digest_of("bytes");
  stamp.text = digest_of("text");
  return stamp;
}

TEST(Stamp, SurvivesARoundTrip) {
  const std::string value = example().encode("a");
  EXPECT_EQ(value.size(), Stamp::kEncodedSize);
  const auto stamp = Stamp::decode(value, "a");
  ASSERT_TRUE(stamp);
  EXPECT_EQ(stamp->modified_ns, example().modified_ns);
  EXPECT_EQ(stamp->sequence, 42U);
  EXPECT_EQ(stamp->journal_token, 0xDEADBEEFU);
  EXPECT_EQ(stamp->bytes, example().bytes);
  EXPECT_EQ(stamp->text, example().text);
}

// A rotten stamp is no stamp: it must not condemn good bytes.
TEST(Stamp, RefusesEveryFlippedBitAndEveryOtherLength) {
  const std::string value = example().encode("a");
  for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
    std::string flipped = value;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(Stamp::decode(flipped, "a")) << bit;
  }
  for (std::size_t size = 0; size < value.size(); ++size) {
    EXPECT_FALSE(Stamp::decode(value.substr(0, size), "a"));
  }
  EXPECT_FALSE(Stamp::decode(value + "x", "a"));
}

// A file that got another chunk's name.
TEST(Stamp, IsGoodForItsChunkOnly) {
  const std::string value = example().encode("a");
  EXPECT_TRUE(Stamp::decode(value, "a"));
  EXPECT_FALSE(Stamp::decode(value, "b"));
  EXPECT_FALSE(Stamp::decode(value, ""));
}

}  // namespace
}  // namespace safechunk
