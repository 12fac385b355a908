// Edits of parts of a chunk and conditions by the command: get, set, unset, merge, patch.

#include "cli_fixture.h"

namespace safechunk {
namespace {

using test::Cli;
using test::Output;
using test::read_file;
using test::write_file;
using enum test::Code;
using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr const char* kNoRevision = "0123456789abcdef0123456789abcdef";
// As a person lays it out: two blanks, CRLF, numbers that no parser keeps.
constexpr const char* kByHand =
    "{\r\n  \"theme\": \"light\",\r\n  \"size\": 1.10,\r\n  \"big\":1e400 ,\r\n  \"list\": [1, "
    "2]\r\n}";

class Parts : public Cli {
 protected:
  void SetUp() override { put("s", R"({"theme":"light","window":{"width":1},"n":[1,2]})"); }

  [[nodiscard]] std::string value(const std::string& pointer) const {
    const Output output = run({"get", "project", "s", pointer});
    return output.code == kOk ? output.out : std::to_string(output.code);
  }
  [[nodiscard]] std::string revision() const {
    return run_json(kOk, {"get", "project", "s"})["revision"];
  }
  void expect_error(const char* code, int exit_code, const std::vector<std::string>& arguments,
                    const std::string& input = "") const {
    EXPECT_EQ(run_json(exit_code, arguments, input)["error"]["code"], code) << Json(arguments);
  }
};

TEST_F(Parts, OneValueIsPrinted) {
  EXPECT_EQ(value("/window/width"), "1\n");
  EXPECT_EQ(value("/theme"), "\"light\"\n");
  EXPECT_EQ(value(""), run({"get", "project", "s"}).out);
  const Json printed = run_json(kOk, {"get", "project", "s", "/n/1"});
  EXPECT_EQ(printed["value"], 2);
  EXPECT_EQ(printed["state"], "good");
  EXPECT_EQ(printed["revision"], revision());
  expect_error("not_found", kNotFound, {"get", "project", "s", "/none"});
  expect_error("not_found", kNotFound, {"get", "project", "s", "/n/2"});
  expect_error("not_found", kNotFound, {"get", "project", "none", "/n"});
  expect_error("invalid_argument", kUsage, {"get", "project", "s", "theme"});
}

TEST_F(Parts, ValuesAreSetAndRemoved) {
  EXPECT_EQ(run({"set", "project", "s", "/theme", "\"dark\""}).code, kOk);
  EXPECT_EQ(run({"set", "project", "s", "/window/width"}, "300").code, kOk);
  EXPECT_EQ(run({"set", "project", "s", "/window/height", "-"}, "-1.50\n").code, kOk);
  EXPECT_EQ(run({"set", "project", "s", "/n/-", "[3,[4]]"}).code, kOk);
  EXPECT_EQ(run({"set", "project", "s", "/n/0", "-5"}).code, kOk);
  EXPECT_EQ(run({"unset", "project", "s", "/n/1"}).code, kOk);
  EXPECT_EQ(
      Json::parse(run({"get", "project", "s"}).out),
      Json::parse(R"({"theme":"dark","window":{"width":300,"height":-1.5},"n":[-5,[3,[4]]]})"));
  EXPECT_EQ(value("/window/height"), "-1.50\n");
  const Json saved = run_json(kOk, {"set", "project", "s", "/theme", "null"});
  EXPECT_EQ(saved["chunk"], "s");
  EXPECT_EQ(saved["saved"], true);
  EXPECT_EQ(saved["state"], "good");
  EXPECT_EQ(saved["revision"], revision());
  const Json unset = run_json(kOk, {"unset", "project", "s", "/theme"});
  EXPECT_EQ(unset["revision"], revision());
  expect_error("not_found", kNotFound, {"unset", "project", "s", "/theme"});
  expect_error("not_found", kNotFound, {"unset", "project", "none", "/theme"});
  expect_error("not_found", kNotFound, {"set", "project", "s", "/n/7", "1"});
  expect_error("invalid_argument", kUsage, {"set", "project", "s", "n", "1"});
  EXPECT_EQ(run({"set", "project", "new", "/a/b", "1"}).code, kOk);
  EXPECT_EQ(run({"get", "project", "new", "/a/b"}).out, "1\n");
}

// Kills: a string that a shell has taken the quotes from, and a message that leaves the user alone.
TEST_F(Parts, AStringWithoutQuotesIsExplained) {
  const auto message = [&](const std::string& text) {
    return std::string(
        run_json(kFailed, {"set", "project", "s", "/theme", text})["error"]["message"]);
  };
  EXPECT_NE(message("dark").find(R"(did you mean '"dark"'?)"), std::string::npos);
  EXPECT_NE(message("a\"b\\").find(R"(did you mean '"a\"b\\"'?)"), std::string::npos);
  EXPECT_NE(message("True").find("did you mean 'true'?"), std::string::npos);
  EXPECT_NE(message("None").find("did you mean 'null'?"), std::string::npos);
  EXPECT_NE(message("it's").find("--string"), std::string::npos);
  EXPECT_EQ(message("{a:1}").find("did you mean"), std::string::npos);
  EXPECT_EQ(value("/theme"), "\"light\"\n");
  const Json error = run_json(kFailed, {"set", "project", "s", "/theme", "[1,\nx]"})["error"];
  EXPECT_EQ(error["code"], "invalid_json");
  EXPECT_EQ(error["line"], 2);
}

TEST_F(Parts, AStringIsTakenWithoutQuotes) {
  const std::string hostile = "it's \"x\" \\ \t\x01 caf\xC3\xA9 [1]";
  EXPECT_EQ(run({"set", "project", "s", "/theme", "--string", hostile}).code, kOk);
  EXPECT_EQ(Json::parse(value("/theme")), hostile);
  EXPECT_EQ(run({"set", "project", "s", "/theme", "--string", ""}).code, kOk);
  EXPECT_EQ(value("/theme"), "\"\"\n");
  EXPECT_EQ(run({"set", "project", "s", "/theme", "--string"}, "two\nlines\n").code, kOk);
  EXPECT_EQ(value("/theme"), "\"two\\nlines\"\n");
  expect_error("invalid_json", kFailed, {"set", "project", "s", "/theme", "--string", "caf\xE9"});
}

TEST_F(Parts, ChunksAreMergedAndPatched) {
  EXPECT_EQ(run({"merge", "project", "s"}, R"({"theme":null,"window":{"x":2}})").code, kOk);
  write_file(folder_ / "patch.json",
             R"([{"op":"test","path":"/n/0","value":1},{"op":"remove","path":"/n/0"}])");
  const Json patched = run_json(kOk, {"patch", "project", "s", "patch.json"});
  EXPECT_EQ(patched["revision"], revision());
  EXPECT_EQ(Json::parse(run({"get", "project", "s"}).out),
            Json::parse(R"({"window":{"width":1,"x":2},"n":[2]})"));
  expect_error("conflict", kFailed, {"patch", "project", "s", "patch.json"});
  expect_error("not_found", kNotFound, {"patch", "project", "none"}, "[]");
  expect_error("invalid_json", kFailed, {"merge", "project", "s"}, "{");
  expect_error("invalid_json", kFailed, {"patch", "project", "s"}, "[");
  expect_error("io_error", kFailed, {"merge", "project", "s", "nowhere.json"});
  expect_error("invalid_argument", kUsage, {"patch", "project", "s"}, R"([{"op":"fly"}])");
  EXPECT_EQ(run_json(kOk, {"merge", "project", "new", "-"}, R"({"a":1})")["saved"], true);
}

// Kills: an edit that lays the file out anew.
TEST_F(Parts, AFileByHandKeepsItsBytes) {
  write_file(file("chunks/hand.json"), kByHand);
  EXPECT_EQ(run({"set", "project", "hand", "/theme", "\"dark\""}).code, kOk);
  std::string expected(kByHand);
  expected.replace(expected.find("light"), 5, "dark");
  EXPECT_EQ(read_file(file("chunks/hand.json")), expected);
  EXPECT_EQ(run({"merge", "project", "hand"}, R"({"size":2})").code, kOk);
  expected.replace(expected.find("1.10"), 4, "2");
  EXPECT_EQ(read_file(file("chunks/hand.json")), expected);
  EXPECT_EQ(run({"get", "project", "hand", "/big"}).out, "1e400\n");
}

// --- conditions

TEST_F(Parts, AnEditOfAnotherRevisionIsRefused) {
  const std::string now = revision();
  const std::string before = run({"get", "project", "s"}).out;
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"put", "project", "s"},
                                                    {"set", "project", "s", "/a"},
                                                    {"unset", "project", "s", "/n"},
                                                    {"merge", "project", "s"},
                                                    {"patch", "project", "s"},
                                                    {"remove", "project", "s"}}) {
    const std::string input = arguments[0] == "patch" ? "[]" : "{}";
    auto refused = arguments;
    refused.insert(refused.end(), {"--if-revision", kNoRevision});
    const Json error = run_json(kFailed, refused, input)["error"];
    EXPECT_EQ(error["code"], "conflict") << Json(arguments);
    EXPECT_NE(std::string(error["message"]).find(now), std::string::npos) << error;
    refused = arguments;
    refused.emplace_back("--if-absent");
    expect_error("conflict", kFailed, refused, input);
    refused = arguments;
    refused.insert(refused.end(), {"--if-revision", "x"});
    expect_error("invalid_argument", kUsage, refused, input);
    EXPECT_EQ(run({"get", "project", "s"}).out, before) << Json(arguments);
  }
}

TEST_F(Parts, AnEditOfTheRevisionThatWasReadIsMade) {
  std::string now = revision();
  const auto next = [&](std::vector<std::string> arguments, const std::string& input) {
    arguments.insert(arguments.end(), {"--if-revision", now});
    now = run_json(kOk, std::move(arguments), input)["revision"];
  };
  next({"set", "project", "s", "/a"}, "1");
  next({"unset", "project", "s", "/n"}, "");
  next({"merge", "project", "s"}, R"({"b":2})");
  next({"patch", "project", "s"}, R"([{"op":"remove","path":"/theme"}])");
  next({"put", "project", "s"}, R"({"c":3})");
  EXPECT_EQ(now, revision());
  EXPECT_EQ(run({"remove", "project", "s", "--if-revision", now}).code, kOk);
  EXPECT_EQ(run({"put", "project", "s", "--if-absent"}, "1").code, kOk);
  EXPECT_EQ(run({"set", "project", "t", "/a", "1", "--if-absent"}).code, kOk);
  EXPECT_EQ(run({"merge", "project", "u", "--if-absent"}, "{}").code, kOk);
}

// Kills: an empty project that a refused edit leaves behind.
TEST_F(Parts, ARefusedEditMakesNoProject) {
  EXPECT_EQ(run({"set", "new", "a", "/x", "dark"}).code, kFailed);
  EXPECT_EQ(run({"set", "new", "a", "x", "1"}).code, kUsage);
  EXPECT_EQ(run({"set", "new", "a:b", "/x", "1"}).code, kUsage);
  EXPECT_EQ(run({"set", "new", "a.json", "/x", "1"}).code, kUsage);
  EXPECT_EQ(run({"merge", "new", "a"}, "{").code, kFailed);
  EXPECT_EQ(run({"merge", "new", "a.json"}, "{}").code, kUsage);
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"put", "new", "a"},
                                                    {"set", "new", "a", "/x"},
                                                    {"merge", "new", "a"}}) {
    auto refused = arguments;
    refused.insert(refused.end(), {"--if-revision", kNoRevision});
    expect_error("conflict", kFailed, refused, "{}");
    refused.back() = "x";
    EXPECT_EQ(run(refused, "{}").code, kUsage);
  }
  EXPECT_FALSE(fs::exists(folder_ / "new"));
  EXPECT_EQ(run({"set", "new", "a", "/x", "1"}).code, kOk);
  EXPECT_EQ(run({"merge", "newer", "a"}, "{}").code, kOk);
}

}  // namespace
}  // namespace safechunk
