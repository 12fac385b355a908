// The strings of a checkpoint's description, against nlohmann/json.

#include "json/member.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace safechunk::json {
namespace {

using Json = nlohmann::ordered_json;

std::string utf8(char32_t point) {
  const auto byte = [](char32_t bits) { return std::string(1, static_cast<char>(bits)); };
  if (point < 0x80) return byte(point);
  const std::string last = byte(0x80 | (point & 0x3F));
  if (point < 0x800) return byte(0xC0 | (point >> 6)) + last;
  const std::string third = byte(0x80 | ((point >> 6) & 0x3F)) + last;
  if (point < 0x10000) return byte(0xE0 | (point >> 12)) + third;
  return byte(0xF0 | (point >> 18)) + byte(0x80 | ((point >> 12) & 0x3F)) + third;
}

// The ends of every range of code points, and every character below 256.
std::vector<std::string> texts() {
  std::vector<std::string> list = {"", "plain", "\"\\/\b\f\n\r\t", "a\"b"};
  for (char32_t point = 0; point < 0x100; ++point) list.push_back("<" + utf8(point) + ">");
  constexpr char32_t kEnds[] = {0x7FF,  0x800,   0xD7FF,  0xE000,  0xFFFD,
                                0xFFFF, 0x10000, 0x1F600, 0x10FFFF};
  for (const char32_t point : kEnds) {
    list.push_back(utf8(point) + utf8(point));
  }
  return list;
}

TEST(Member, QuotedTextIsReadAsItWas) {
  for (const std::string& text : texts()) EXPECT_EQ(Json::parse(quote(text)), text);
}

TEST(Member, FindsAStringBehindAnyOtherMembers) {
  for (const std::string& text : texts()) {
    const Json object = {{"number", 1.5}, {"list", {1, "]", {{"notes", "inside"}}}},
                         {"s", "},\\\""}, {"object", {{"notes", "inside"}}},
                         {"notes", text}, {"behind", nullptr}};
    for (const bool ascii : {false, true}) {
      for (const int indent : {-1, 2}) {
        const std::string source = object.dump(indent, ' ', ascii);
        EXPECT_EQ(string_member(source, "notes"), text) << source;
      }
    }
  }
}

TEST(Member, EscapesInAnyCaseAndLoneSurrogates) {
  const std::string replacement = utf8(0xFFFD);
  const std::pair<const char*, std::string> cases[] = {
      {R"({"k": "\u00e9\u00E9\/"})", utf8(0xE9) + utf8(0xE9) + "/"},
      {R"({"k": "\ud83d\ude00"})", utf8(0x1F600)},
      {R"({"k": "\ud83d"})", replacement},
      {R"({"k": "\ud83dx"})", replacement + "x"},
      {R"({"k": "\ude00x"})", replacement + "x"},
      {R"({"k": "\ud83d\u0041"})", replacement + "A"},
      {R"({"\u006b": "v"})", "v"},
      {R"({"k": "first", "k": "second"})", "first"},
  };
  for (const auto& [source, expected] : cases) {
    EXPECT_EQ(string_member(source, "k"), expected) << source;
  }
}

TEST(Member, NothingWhereThereIsNoSuchString) {
  for (const char* source : {"{}", " { } ", "[]", "1", "\"k\"", R"({"k": 1})", R"({"k": ["v"]})",
                             R"({"j": "k"})", R"({"j": {"k": "v"}})"}) {
    EXPECT_EQ(string_member(source, "k"), std::nullopt) << source;
  }
}

}  // namespace
}  // namespace safechunk::json
