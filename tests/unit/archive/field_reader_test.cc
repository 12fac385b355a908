#include "archive/field_reader.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace safechunk::archive {
namespace {

TEST(FieldReader, ReadsLittleEndianFieldsInTurn) {
  FieldReader reader("\x01\x02\x03\x04\x05\x06 abc");
  EXPECT_EQ(reader.next<std::uint16_t>(), 0x0201);
  EXPECT_EQ(reader.next<std::uint32_t>(), 0x06050403U);
  reader.skip(1);
  EXPECT_EQ(reader.take(3), "abc");
  EXPECT_EQ(reader.left(), 0U);
  EXPECT_TRUE(reader.complete());
}

TEST(FieldReader, StaysIncompleteOnceItWasCutOff) {
  FieldReader reader("abc");
  EXPECT_EQ(reader.next<std::uint32_t>(), 0U);
  EXPECT_FALSE(reader.complete());
  EXPECT_EQ(reader.take(1), "");
  EXPECT_EQ(reader.next<std::uint8_t>(), 0U);
  EXPECT_FALSE(reader.complete());
}

}  // namespace
}  // namespace safechunk::archive
