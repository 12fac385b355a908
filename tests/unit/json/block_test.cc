#include "json/block.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace safechunk::json {
namespace {

using Block = std::array<char, kBlockBytes>;

TEST(Block, EveryByteIsClassifiedAtEveryPlace) {
  for (int byte = 0; byte < 256; ++byte) {
    for (std::size_t place = 0; place < kBlockBytes; ++place) {
      Block block;
      block.fill('x');
      block[place] = static_cast<char>(byte);
      ASSERT_EQ(fastest::classify(block.data()), plain::classify(block.data()))
          << byte << " at " << place;
    }
  }
}

TEST(Block, EveryMixtureIsClassifiedAsByDefinition) {
  constexpr unsigned kSeed = 20240501;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 20000; ++round) {
    Block block;
    for (char& c : block) {
      c = random() % 2 == 0 ? " \n\r\t\"\\{}[]:,0a\x1F\v"[random() % 16]
                            : static_cast<char>(random());
    }
    ASSERT_EQ(fastest::classify(block.data()), plain::classify(block.data())) << round;
  }
}

TEST(Block, DigitsAreSkippedUpToTheFirstOtherByteOrTheEnd) {
  for (std::size_t digits = 0; digits < kBlockBytes; ++digits) {
    for (int byte = 0; byte < 256; ++byte) {
      Block block;
      block.fill('9');
      block[digits] = static_cast<char>(byte);
      for (const std::size_t size : {digits, digits + 1, kBlockBytes}) {
        const char* const end = block.data() + size;
        ASSERT_EQ(fastest::skip_digits(block.data(), end), plain::skip_digits(block.data(), end));
      }
    }
  }
}

}  // namespace
}  // namespace safechunk::json
