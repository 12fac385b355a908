// The adapter of nlohmann/json: values in, values out, and what JSON cannot hold refused at the
// call. ("int and str keys collide silently, NaN is written")

#include <gtest/gtest.h>

#include <cmath>
#include <safechunk/nlohmann.hpp>

#include "unit/engine/engine_bench.h"

namespace app {

struct Point {
  int x = 0;
  std::string name;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Point, x, name)

}  // namespace app

namespace safechunk::test {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

TEST(Nlohmann, StoresAndFetchesValues) {
  Machine machine;
  auto engine = machine.engine();
  const json users{{"name", "Alice"}, {"tags", {1, 2.5, nullptr, true}}};
  ASSERT_TRUE(engine.stage_update(users, "users").ok());
  EXPECT_EQ(engine.fetch_chunk<json>("users").value(), users);
  ASSERT_TRUE(engine.force_sync().ok());
  EXPECT_EQ(engine.fetch_chunk<json>("users").value(), users);
  EXPECT_EQ(engine.fetch_chunk<json>("nobody").value(), json::object());
  EXPECT_FALSE(engine.find_chunk<json>("nobody")->has_value());
  EXPECT_EQ(**engine.find_chunk<json>("users"), users);
}

TEST(Nlohmann, OrderedValuesKeepTheirOrder) {
  Machine machine;
  auto engine = machine.engine();
  const ordered_json value{{"z", 1}, {"a", 2}, {"m", 3}};
  ASSERT_TRUE(engine.stage_update(value, "ordered").ok());
  EXPECT_EQ(engine.fetch_chunk("ordered").value(),
            "{\n    \"z\": 1,\n    \"a\": 2,\n    \"m\": 3\n}\n");
  EXPECT_EQ(engine.fetch_chunk<ordered_json>("ordered")->dump(), value.dump());
}

TEST(Nlohmann, TypesOfTheApplication) {
  Machine machine;
  auto engine = machine.engine();
  ASSERT_TRUE(engine.stage_update(app::Point{3, "p"}, "point").ok());
  EXPECT_EQ(engine.fetch_chunk<app::Point>("point")->x, 3);
  EXPECT_EQ(engine.fetch_chunk<app::Point>("point")->name, "p");
  const std::vector<int> numbers{1, 2, 3};
  ASSERT_TRUE(engine.stage_update(numbers, "numbers").ok());
  EXPECT_EQ(engine.fetch_chunk<std::vector<int>>("numbers").value(), numbers);
  // A value of another shape is an error and no exception.
  EXPECT_EQ(engine.fetch_chunk<app::Point>("numbers").code(), ErrorCode::invalid_json);
  EXPECT_EQ(engine.find_chunk<std::vector<int>>("point").code(), ErrorCode::invalid_json);
}

TEST(Nlohmann, WhatJsonCannotHoldIsRefusedAtTheCall) {
  Machine machine;
  auto engine = machine.engine();
  EXPECT_EQ(engine.stage_update(json("\xFF"), "bytes").code(), ErrorCode::invalid_json);
  EXPECT_TRUE(engine.list_chunks()->empty());
  auto transaction = engine.transaction();
  EXPECT_EQ(transaction.stage(json("\xFF"), "bytes").code(), ErrorCode::invalid_json);
  ASSERT_TRUE(engine.stage_update(json(std::nan("")), "nan").ok());
  EXPECT_EQ(engine.fetch_chunk("nan").value(), "null\n");
}

TEST(Nlohmann, NanInAFileOfTheOriginalBecomesNull) {
  Machine machine;
  auto engine = machine.engine();
  machine.write("chunks", "old.json", "{\"x\": NaN, \"y\": [Infinity, -Infinity], \"s\": \"NaN\"}");
  const json expected{{"x", nullptr}, {"y", {nullptr, nullptr}}, {"s", "NaN"}};
  EXPECT_EQ(engine.fetch_chunk<json>("old").value(), expected);
}

}  // namespace
}  // namespace safechunk::test
