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

TEST(Member, IntegersAreDigitsOnly) {
  const std::string text =
      R"({"a": 7 , "b":18446744073709551615,"c":18446744073709551616,"d":-1,"e":1.0,"f":1e3,)"
      R"("g":"7","h":[7],"i":null,"j": 0})";
  EXPECT_EQ(integer_member(text, "a"), 7U);
  EXPECT_EQ(integer_member(text, "b"), 18446744073709551615U);
  EXPECT_EQ(integer_member(text, "j"), 0U);
  for (const char* key : {"c", "d", "e", "f", "g", "h", "i", "absent"}) {
    EXPECT_EQ(integer_member(text, key), std::nullopt) << key;
  }
  EXPECT_EQ(integer_member("[7]", "a"), std::nullopt);
}

TEST(Member, BooleansAreTrueOrFalse) {
  const std::string text = R"({"a": true, "b":false ,"c":"true","d":1,"e":[true]})";
  EXPECT_EQ(bool_member(text, "a"), true);
  EXPECT_EQ(bool_member(text, "b"), false);
  for (const char* key : {"c", "d", "e", "absent"}) EXPECT_EQ(bool_member(text, key), std::nullopt);
}

TEST(Member, ListsGiveTheirStrings) {
  using Strings = std::vector<std::string>;
  const std::string text = R"({"a": [ "x" , 7,["inner"],{"k":"v"},"y\n" ],"b":[],"c":"x","d":[ ]})";
  EXPECT_EQ(string_list_member(text, "a"), (Strings{"x", "y\n"}));
  for (const char* key : {"b", "c", "d", "absent"}) {
    EXPECT_EQ(string_list_member(text, key), Strings()) << key;
  }
}

}  // namespace
}  // namespace safechunk::json
