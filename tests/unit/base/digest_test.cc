#include "base/digest.h"

#include <gtest/gtest.h>

namespace safechunk {
namespace {

// The value is the published one of XXH3-128 for empty input, so that files stay readable when the
// library changes.
TEST(Digest, IsXxh3) {
  EXPECT_EQ(digest_of("").to_hex(), "99aa06d3014798d86001c324468d497f");
  EXPECT_FALSE(digest_of("").is_absent());
  EXPECT_NE(digest_of("a"), digest_of("b"));
}

TEST(Digest, ChecksumDependsOnTheSeed) {
  EXPECT_NE(checksum_of("abc", 1), checksum_of("abc", 2));
  EXPECT_EQ(checksum_of("abc", 1), checksum_of("abc", 1));
}

}  // namespace
}  // namespace safechunk
