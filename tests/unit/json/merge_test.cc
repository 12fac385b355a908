// JSON Merge Patch (RFC 7396).

#include <gtest/gtest.h>

#include <string>

#include "json/edit.h"

namespace safechunk::json {
namespace {

std::string merged(std::string_view text, std::string_view patch) {
  const Result<std::string> edited =
      apply(text, {Edit::Kind::merge, {}, std::string(patch)}, {.indent = 0});
  return edited ? *edited : edited.status().to_text();
}

TEST(Merge, AppliesTheExamplesOfRfc7396) {
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"b":"c"})"), R"({"a":"b","b":"c"})");
  EXPECT_EQ(merged(R"({"a":"b"})", R"({"a":null})"), "{}");
  EXPECT_EQ(merged(R"({"a":"b","b":"c"})", R"({"a":null})"), R"({"b":"c"})");
  EXPECT_EQ(merged(R"({"a":["b"]})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merged(R"({"a":"c"})", R"({"a":["b"]})"), R"({"a":["b"]})");
  EXPECT_EQ(merged(R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})"), R"({"a":{"b":"d"}})");
  EXPECT_EQ(merged(R"({"a":[{"b":"c"}]})", R"({"a":[1]})"), R"({"a":[1]})");
  EXPECT_EQ(merged(R"(["a","b"])", R"(["c","d"])"), R"(["c","d"])");
  EXPECT_EQ(merged(R"({"a":"b"})", R"(["c"])"), R"(["c"])");
  EXPECT_EQ(merged(R"({"a":"foo"})", "null"), "null");
  EXPECT_EQ(merged(R"({"a":"foo"})", R"("bar")"), R"("bar")");
  EXPECT_EQ(merged(R"({"e":null})", R"({"a":1})"), R"({"e":null,"a":1})");
  EXPECT_EQ(merged("[1,2]", R"({"a":"b","c":null})"), R"({"a":"b"})");
  EXPECT_EQ(merged("{}", R"({"a":{"bb":{"ccc":null}}})"), R"({"a":{"bb":{}}})");
}

TEST(Merge, AppliesTheExampleOfSection3) {
  EXPECT_EQ(
      merged(R"({
 "title": "Goodbye!",
 "author": {
  "givenName": "John",
  "familyName": "Doe"
 },
 "tags": ["example", "sample"],
 "content": "This will be unchanged"
})",
             R"({"title":"Hello!","phoneNumber":"+01-123-456-7890","author":{"familyName":null},
         "tags":["example"]})"),
      R"({
 "title": "Hello!",
 "author": {
  "givenName": "John"
 },
 "tags": ["example"],
 "content": "This will be unchanged",
 "phoneNumber": "+01-123-456-7890"
})");
}

TEST(Merge, KeepsWhatItDoesNotName) {
  EXPECT_EQ(
      merged("\xEF\xBB\xBF{ \"x\" : 1.0e0 ,\t\"a\":1, \"x\" : NaN}\n",
             R"({"a":{"b":[null,{"c":null}]}})"),
      "\xEF\xBB\xBF{ \"x\" : 1.0e0 ,\t\"a\":{\"b\" : [null, {\"c\" : null}]}, \"x\" : NaN}\n");
  EXPECT_EQ(merged("{ }", "{}"), "{ }");
  EXPECT_EQ(merged(R"({"a":{ }})", R"({"a":{"b":null}})"), R"({"a":{ }})");
}

TEST(Merge, FindsNamesHoweverTheyAreWritten) {
  EXPECT_EQ(merged(R"({"a":1})", R"({"\u0061":2})"), R"({"a":2})");
  EXPECT_EQ(merged("{}", R"({"\u0061":2})"), R"({"\u0061":2})");
  EXPECT_EQ(merged(R"({"\ud800":1,"\ud801":1})", R"({"\uD800":null})"), R"({"\ud801":1})");
}

TEST(Merge, RefusesMembersThatAreThereTwice) {
  EXPECT_EQ(merged(R"({"a":1,"a":2})", R"({"a":3})"),
            "invalid_argument: an object to merge into has more than one member 'a'");
  EXPECT_EQ(merged("{}", R"({"a":3,"a":4})"),
            "invalid_argument: the merge patch has more than one member 'a' in one object");
  EXPECT_EQ(merged("{}", "{").substr(0, 12), "invalid_json");
}

}  // namespace
}  // namespace safechunk::json
