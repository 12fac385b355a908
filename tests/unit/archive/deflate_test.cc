#include "archive/deflate.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <random>
#include <string>

namespace safechunk::archive {
namespace {

std::string random_bytes(std::size_t count, unsigned seed) {
  std::minstd_rand random(seed);
  std::string bytes;
  while (bytes.size() < count) bytes += static_cast<char>(random() >> 8U);
  return bytes;
}

std::string_view view_of(const DeflatedData& data) {
  return {data.bytes.get(), data.size};
}

Status inflate_to(std::string_view deflated, std::size_t size) {
  std::string plain(size, '\0');
  return inflate_exactly(deflated, plain);
}

TEST(Deflate, RestoresWhatItCompressed) {
  for (const int level : {kMinDeflateLevel, 1, 6, kMaxDeflateLevel}) {
    Deflater deflater(level);
    for (const std::string& plain : {std::string(), std::string("{}\n"), std::string(1 << 20, 'a'),
                                     random_bytes(1, 1), random_bytes(300'000, 2)}) {
      const Result<DeflatedData> data = deflater.compress(plain);
      ASSERT_TRUE(data.ok());
      EXPECT_EQ(data->plain_size, plain.size());
      EXPECT_EQ(data->crc32, crc32_of(plain));
      std::string restored(plain.size(), '\0');
      EXPECT_TRUE(inflate_exactly(view_of(*data), restored).ok());
      EXPECT_TRUE(restored == plain);
    }
  }
}

TEST(Deflate, ComputesTheCheckValueOfCrc32) {
  EXPECT_EQ(crc32_of("123456789"), 0xCBF43926U);
}

TEST(Deflate, RefusesAnyOtherSizeThanTheDeclaredOne) {
  const std::string plain(1000, 'a');
  const DeflatedData data = *Deflater(1).compress(plain);
  EXPECT_TRUE(inflate_to(view_of(data), plain.size()).ok());
  for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 999, 1001, 100'000}) {
    EXPECT_EQ(inflate_to(view_of(data), size).code(), ErrorCode::corrupt) << size;
  }
}

TEST(Deflate, RefusesBytesBehindTheStreamAndStreamsCutOff) {
  const std::string plain = random_bytes(1000, 3);
  const DeflatedData data = *Deflater(1).compress(plain);
  const std::string longer = std::string(view_of(data)) + '\0';
  EXPECT_EQ(inflate_to(longer, plain.size()).code(), ErrorCode::corrupt);
  for (std::size_t length = 0; length < data.size; ++length) {
    EXPECT_EQ(inflate_to(view_of(data).substr(0, length), plain.size()).code(), ErrorCode::corrupt);
  }
}

TEST(Deflate, SurvivesRubbish) {
  for (unsigned seed = 1; seed < 2000; ++seed) {
    (void)inflate_to(random_bytes(seed % 200, seed), seed % 5000);
  }
}

}  // namespace
}  // namespace safechunk::archive
