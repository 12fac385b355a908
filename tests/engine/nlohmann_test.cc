// The adapter of nlohmann/json: values in, values out, and what JSON cannot hold refused at the
// call. ("int and str keys collide silently, NaN is written")

#include <gtest/gtest.h>

#include <cmath>
#include <safechunk/nlohmann.hpp>

#include "engine/engine_bench.h"

namespace app {

struct Point {
  int x = 0;
  std::string name;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Point, x, name)

struct Settings {
  int volume = 7;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Settings, volume)

struct Text {
  explicit Text(std::string_view json) : text(json) {}
  std::string text;
};
struct NamedText : Text {
  using Text::Text;
};

}  // namespace app

namespace safechunk {

template <typename T>
requires std::derived_from<T, app::Text>
struct ChunkCodec<T> {
  static Result<std::string> to_text(const T& value) { return value.text; }
  static Result<T> from_text(std::string_view text) { return T(text); }
  static app::NamedText when_missing() requires std::same_as<T, app::NamedText> {
    return app::NamedText("none");
  }
};

}  // namespace safechunk

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

// An application starts for the first time: there are no settings yet.
TEST(Nlohmann, AMissingChunkIsTheDefaultOfTheType) {
  Machine machine;
  auto engine = machine.engine();
  EXPECT_EQ(engine.fetch_chunk<app::Point>("point")->x, 0);
  EXPECT_EQ(engine.fetch_chunk<app::Settings>("settings")->volume, 7);
  EXPECT_TRUE(engine.fetch_chunk<std::vector<int>>("numbers")->empty());
  EXPECT_EQ(engine.fetch_chunk<int>("number").value(), 0);
  EXPECT_EQ(engine.fetch_chunk<json>("value").value(), json::object());
  EXPECT_EQ(engine.fetch_chunk<ordered_json>("value").value(), ordered_json::object());
  EXPECT_FALSE(engine.find_chunk<app::Settings>("settings")->has_value());
  EXPECT_EQ(engine.fetch_chunk<app::Settings>("a/b").code(), ErrorCode::invalid_name);
  // A chunk that is there, and lacks members, is not a missing one.
  ASSERT_TRUE(engine.stage_update("{}", "settings").ok());
  EXPECT_EQ(engine.fetch_chunk<app::Settings>("settings").code(), ErrorCode::invalid_json);
}

// Codecs of the application, without an adapter.
TEST(Codec, AMissingChunkIsNotFoundWhereTheTypeHasNoDefault) {
  Machine machine;
  auto engine = machine.engine();
  const auto missing = engine.fetch_chunk<app::Text>("text");
  EXPECT_EQ(missing.code(), ErrorCode::not_found);
  EXPECT_EQ(missing.error().chunk, "text");
  EXPECT_EQ(engine.fetch_chunk<app::NamedText>("text")->text, "none");
  ASSERT_TRUE(engine.stage_update(app::Text("[1]"), "text").ok());
  EXPECT_EQ(engine.fetch_chunk<app::Text>("text")->text, "[\n    1\n]\n");
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
