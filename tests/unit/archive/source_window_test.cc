#include "archive/source_window.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "unit/archive/memory_stream.h"

namespace safechunk::archive {
namespace {

std::string numbered_bytes(std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(i * 7 + i / 256);
  return bytes;
}

TEST(SourceWindow, ShowsTheBytesThatAreThere) {
  const std::string bytes = numbered_bytes(200'000);
  MemorySource source(bytes);
  SourceWindow window(source);
  std::minstd_rand random(1);
  for (int i = 0; i < 2000; ++i) {
    const std::size_t offset = random() % bytes.size();
    const std::size_t length = random() % std::min<std::size_t>(70'000, bytes.size() - offset + 1);
    const Result<std::string_view> view = window.view(offset, length);
    ASSERT_TRUE(view.ok());
    ASSERT_TRUE(*view == std::string_view(bytes).substr(offset, length));
  }
}

TEST(SourceWindow, ReadsAheadOnce) {
  MemorySource source(numbered_bytes(SourceWindow::kBytes));
  SourceWindow window(source);
  for (std::size_t i = 0; i < SourceWindow::kBytes; ++i) ASSERT_TRUE(window.view(i, 1).ok());
  EXPECT_EQ(source.reads, 1U);
}

TEST(SourceWindow, RefusesWhatReachesPastTheEnd) {
  MemorySource source(numbered_bytes(10));
  SourceWindow window(source);
  EXPECT_TRUE(window.view(0, 10).ok());
  EXPECT_TRUE(window.view(10, 0).ok());
  EXPECT_EQ(window.view(0, 11).code(), ErrorCode::corrupt);
  EXPECT_EQ(window.view(10, 1).code(), ErrorCode::corrupt);
  EXPECT_EQ(window.view(11, 0).code(), ErrorCode::corrupt);
  EXPECT_EQ(window.view(~std::uint64_t{0}, 2).code(), ErrorCode::corrupt);
}

TEST(SourceWindow, PassesTheErrorOfTheSourceOnEachTime) {
  MemorySource source(numbered_bytes(10), 0);
  SourceWindow window(source);
  EXPECT_EQ(window.view(0, 5).code(), ErrorCode::permission_denied);
  EXPECT_EQ(window.view(0, 5).code(), ErrorCode::permission_denied);
}

}  // namespace
}  // namespace safechunk::archive
