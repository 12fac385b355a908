#include "archive/zip64_field.h"

#include <gtest/gtest.h>

#include <string>

#include "unit/archive/zip_builder.h"

namespace safechunk::archive {
namespace {

using namespace std::string_literals;

TEST(Zip64Field, IsFoundAmongOthers) {
  const std::string other = le16(0x5455) + le16(5) + "12345";
  const std::string zip64 = le16(1) + le16(8) + "abcdefgh";
  for (const std::string& extra : {zip64, other + zip64, zip64 + other, other + zip64 + other}) {
    EXPECT_EQ(find_zip64_field(extra), "abcdefgh");
  }
  EXPECT_EQ(find_zip64_field(""), "");
  EXPECT_EQ(find_zip64_field(other), "");
}

TEST(Zip64Field, MustBeWellFormedAndUnique) {
  const std::string zip64 = le16(1) + le16(8) + "abcdefgh";
  EXPECT_EQ(find_zip64_field(zip64 + zip64), std::nullopt);
  for (std::size_t length = 1; length < zip64.size(); ++length) {
    EXPECT_EQ(find_zip64_field(zip64.substr(0, length)), std::nullopt);
  }
  EXPECT_EQ(find_zip64_field(zip64 + "\0"s), std::nullopt);
}

TEST(Zip64Field, WidensOnlyAllOnes) {
  FieldReader reader("12345678");
  EXPECT_EQ(widen(7, reader), 7U);
  EXPECT_EQ(widen(0xFFFFFFFE, reader), 0xFFFFFFFEU);
  EXPECT_EQ(widen(0xFFFFFFFF, reader), 0x3837363534333231U);
  EXPECT_TRUE(reader.complete());
  (void)widen(0xFFFFFFFF, reader);
  EXPECT_FALSE(reader.complete());
}

}  // namespace
}  // namespace safechunk::archive
