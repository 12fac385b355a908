// Field faults: "retention 0, negative, foreign zips, clock skew".

#include "storage/checkpoints/retention.h"

#include <gtest/gtest.h>

namespace safechunk {
namespace {

const std::string kOld = "checkpoint_a_20260101_000000.zip";
const std::string kMiddle = "checkpoint_b_20260102_000000.zip";
const std::string kNew = "checkpoint_a_20260103_000000.zip";
const std::string kFuture = "checkpoint_a_20990101_000000.zip";

TEST(Retention, KeepsTheNewest) {
  EXPECT_EQ(checkpoints_to_remove({kOld, kNew, kMiddle}, kNew, 2), std::vector{kOld});
  EXPECT_TRUE(checkpoints_to_remove({kOld, kNew, kMiddle}, kNew, 3).empty());
}

TEST(Retention, NeverRemovesTheNewOneWhenTheClockWentBack) {
  EXPECT_EQ(checkpoints_to_remove({kFuture, kNew}, kNew, 1), std::vector{kFuture});
}

TEST(Retention, NeverTouchesForeignFiles) {
  EXPECT_TRUE(
      checkpoints_to_remove({"photos.zip", "checkpoint.zip", ".pin-1", kNew}, kNew, 1).empty());
}

}  // namespace
}  // namespace safechunk
