// Random edits of random documents, judged by nlohmann::json and by the layout that format() gives.

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "json/edit.h"
#include "json/equal.h"
#include "json/format.h"
#include "json/pointer.h"
#include "json/rewrite.h"
#include "json/scan.h"

namespace safechunk::json {
namespace {

using Kind = Edit::Kind;
using Json = nlohmann::ordered_json;

constexpr int kRounds = 30'000;

// Deterministic; SAFECHUNK_TEST_SEED replays another run.
unsigned seed() {
  const char* const text = std::getenv("SAFECHUNK_TEST_SEED");
  const unsigned value =
      text == nullptr ? 1 : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
  std::cout << "seed " << value << '\n';
  return value;
}

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t limit) { return random_() % limit; }

  std::string name() {
    static const std::string kNames[] = {"a", "b",   "c", "a/b", "m~n",
                                         "",  "é\n", "0", "\"",  "long name"};
    return kNames[below(std::size(kNames))];
  }

  Json value(int levels) {
    switch (levels > 0 ? below(8) : 3 + below(6)) {
      case 0:
      case 1: {
        Json object = Json::object();
        for (std::size_t i = below(5); i > 0; --i) object[name()] = value(levels - 1);
        return object;
      }
      case 2: {
        Json array = Json::array();
        for (std::size_t i = below(5); i > 0; --i) array.push_back(value(levels - 1));
        return array;
      }
      case 3:
        return name();
      case 4:
        return static_cast<int>(below(20));
      case 5:
        return nullptr;
      case 6:
        return Json::object();
      case 7:
        return Json::array();
      default:
        return below(2) == 0;
    }
  }

  // Of something that exists, or could.
  std::string pointer(const Json& document) {
    std::vector<std::string> tokens;
    const Json* at = &document;
    while (below(5) != 0) {
      if (at->is_object() && !at->empty() && below(4) != 0) {
        const auto member = at->items().begin();
        auto chosen = member;
        for (std::size_t i = below(at->size()); i > 0; --i) ++chosen;
        tokens.push_back(chosen.key());
        at = &chosen.value();
      } else if (at->is_array()) {
        const std::size_t index = below(at->size() + 2);
        tokens.push_back(below(6) == 0 ? "-" : std::to_string(index));
        if (index >= at->size() || tokens.back() == "-") break;
        at = &(*at)[index];
      } else {
        tokens.push_back(name());
        break;
      }
    }
    return Pointer::write(tokens);
  }

  Json patch(const Json& document) {
    static const std::string kTypes[] = {"add", "remove", "replace", "move", "copy", "test"};
    Json patch = Json::array();
    for (std::size_t i = 1 + below(4); i > 0; --i) {
      const std::string& type = kTypes[below(std::size(kTypes))];
      const std::string path = pointer(document);
      Json operation{{"op", type}, {"path", path}};
      if (type == "move" || type == "copy") operation["from"] = pointer(document);
      if (type == "add" || type == "replace") operation["value"] = value(2);
      if (type == "test") operation["value"] = value_or_other(document, path);
      patch.push_back(operation);
    }
    return patch;
  }

  Edit edit(const Json& document) {
    switch (below(4)) {
      case 0:
        return {Kind::set, pointer(document), value(3).dump()};
      case 1:
        return {Kind::remove, pointer(document), {}};
      case 2:
        return {Kind::merge, {}, value(4).dump()};
      default:
        return {Kind::patch, {}, patch(document).dump()};
    }
  }

  // `text` with white space between its tokens.
  std::string spread(const std::string& text) {
    static const std::string kSpaces[] = {"", "", " ", "\n", "\r\n\t", "  "};
    std::string result;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool structural =
          !in_string && std::string_view("{}[],:").find(text[i]) != std::string_view::npos;
      if (structural) result += kSpaces[below(std::size(kSpaces))];
      result += text[i];
      if (structural) result += kSpaces[below(std::size(kSpaces))];
      if (text[i] == '\\') result += text[++i];
      if (text[i] == '"' && text[i - (i > 0 ? 1 : 0)] != '\\') in_string = !in_string;
    }
    return result;
  }

 private:
  Json value_or_other(const Json& document, const std::string& path) {
    const Json::json_pointer place(path);
    if (below(8) == 0 || !contains(document, place)) return value(1);
    return document.at(place);
  }
  static bool contains(const Json& document, const Json::json_pointer& place) {
    try {
      return document.contains(place);
    } catch (const Json::exception&) {
      return false;
    }
  }

  std::mt19937_64 random_;
};

enum class Opinion { result, error, none };

Opinion judge_operation(Json& document, const Json& operation) {
  const std::string path = operation["path"];
  const std::string type = operation["op"];
  // nlohmann/json does not refuse to move a value into itself or to remove the whole document.
  if (type == "remove" && path.empty()) return Opinion::none;
  Json before = document;
  if (type == "move") {
    const std::string from = operation["from"];
    if (path == from || from.empty() || path.starts_with(from + "/")) return Opinion::none;
    before = document.patch(Json::array({{{"op", "remove"}, {"path", from}}}));
  }
  // It aborts when something is added to a value that is neither object nor array.
  if (!path.empty()) {
    const Json::json_pointer parent = Json::json_pointer(path).parent_pointer();
    if (!before.at(parent).is_structured()) return Opinion::error;
  }
  document = document.patch(Json::array({operation}));
  return Opinion::result;
}

// What nlohmann/json says about an edit, where it means the same.
Opinion judge(Json& document, const Edit& edit) {
  try {
    if (edit.kind == Kind::merge) {
      document.merge_patch(Json::parse(edit.value));
      return Opinion::result;
    }
    Json patch = Json::array();
    if (edit.kind == Kind::patch) patch = Json::parse(edit.value);
    if (edit.kind == Kind::remove) patch.push_back({{"op", "remove"}, {"path", edit.pointer}});
    if (edit.kind == Kind::set) {
      // `set` replaces elements where `add` inserts, and makes objects.
      return Opinion::none;
    }
    for (const Json& operation : patch) {
      const Opinion opinion = judge_operation(document, operation);
      if (opinion != Opinion::result) return opinion;
    }
    return Opinion::result;
  } catch (const Json::exception&) {
    return Opinion::error;
  }
}

// Objects compare without order.
nlohmann::json unordered(const Json& document) {
  return nlohmann::json::parse(document.dump());
}

TEST(EditDifferential, AgreesWithNlohmann) {
  Generator generator(seed());
  int results = 0;
  int errors = 0;
  for (int round = 0; round < kRounds; ++round) {
    const Json document = generator.value(4);
    const Edit edit = generator.edit(document);
    const std::string text = generator.spread(document.dump());
    SCOPED_TRACE("round " + std::to_string(round) + ": " + text + "\n" + edit.pointer + "\n" +
                 edit.value);
    const Result<std::string> edited = apply(text, edit, {});
    if (edited.ok()) {
      ASSERT_TRUE(validate(*edited, {}).ok()) << *edited;
    }
    Json expected = document;
    const Opinion opinion = judge(expected, edit);
    if (opinion == Opinion::none) continue;
    ASSERT_EQ(edited.ok(), opinion == Opinion::result) << edited.status().to_text() << expected;
    ++(edited.ok() ? results : errors);
    if (!edited.ok()) continue;
    ASSERT_EQ(nlohmann::json::parse(*edited), unordered(expected)) << *edited;
  }
  EXPECT_GT(results, kRounds / 4);
  EXPECT_GT(errors, kRounds / 20);
}

// set is what it says: afterwards the value is there, and removing the value from both texts leaves
// the same.
TEST(EditDifferential, SetChangesOneValue) {
  Generator generator(seed() + 1);
  int set = 0;
  for (int round = 0; round < kRounds; ++round) {
    const Json document = generator.value(4);
    const std::string text = generator.spread(document.dump());
    const Edit edit{Kind::set, generator.pointer(document), generator.value(3).dump()};
    SCOPED_TRACE("round " + std::to_string(round) + ": " + text + "\n" + edit.pointer + "\n" +
                 edit.value);
    const Result<std::string> edited = apply(text, edit, {});
    const Pointer pointer = *Pointer::parse(edit.pointer);
    const Result<std::string_view> old_value = value_at(text, pointer);
    if (!edited.ok()) {
      ASSERT_FALSE(old_value.ok());
      continue;
    }
    ++set;
    if (edit.pointer.ends_with("-")) continue;
    const Result<std::string_view> new_value = value_at(*edited, pointer);
    ASSERT_TRUE(new_value.ok()) << *edited;
    ASSERT_TRUE(*equal_values(*new_value, edit.value)) << *edited;
    // Every byte around the value is the same; around a new one, every byte of the old text.
    const auto begin = static_cast<std::size_t>(new_value->data() - edited->data());
    const std::string_view behind = std::string_view(*edited).substr(begin + new_value->size());
    if (old_value.ok()) {
      ASSERT_EQ(std::string_view(text).substr(0, begin), edited->substr(0, begin));
      ASSERT_TRUE(std::string_view(text).ends_with(behind));
      ASSERT_EQ(text.size() - old_value->size(), edited->size() - new_value->size());
    } else {
      std::size_t same = 0;
      while (same < text.size() && text[same] == (*edited)[same]) ++same;
      std::size_t same_behind = 0;
      while (same_behind < text.size() - same &&
             text[text.size() - 1 - same_behind] == (*edited)[edited->size() - 1 - same_behind]) {
        ++same_behind;
      }
      // The white space of a container that was empty gives way.
      const std::string_view gone =
          std::string_view(text).substr(same, text.size() - same - same_behind);
      ASSERT_EQ(gone.find_first_not_of(" \t\r\n"), std::string_view::npos) << *edited;
    }
  }
  EXPECT_GT(set, kRounds / 4);
}

// Text that format() made stays as format() would make it. Kills any slip of indentation, comma or
// final newline.
TEST(EditDifferential, CanonicalTextStaysCanonical) {
  Generator generator(seed() + 2);
  int compared = 0;
  for (int round = 0; round < kRounds; ++round) {
    const Json document = generator.value(4);
    const Edit edit = generator.edit(document);
    const std::string text = document.dump();
    for (const unsigned indent : {4U, 2U, 0U}) {
      SCOPED_TRACE("round " + std::to_string(round) + ": " + text + "\n" + edit.pointer + "\n" +
                   edit.value);
      const EditOptions options{.indent = indent};
      const Result<std::string> edited = apply(format(text, indent), edit, options);
      const Result<std::string> compact = apply(text, edit, options);
      ASSERT_EQ(edited.status().to_text().substr(0, 12), compact.status().to_text().substr(0, 12));
      if (!edited.ok()) break;
      ++compared;
      ASSERT_EQ(*edited, format(*compact, indent)) << "indent " << indent;
    }
  }
  EXPECT_GT(compared, kRounds);
}

// The value is that of nlohmann, members keep their order, and a text in the layout of format()
// keeps it. A second time, nothing is left to do.
TEST(EditDifferential, RewriteGivesTheValueInTheLayoutThatIsThere) {
  Generator generator(seed());
  for (int round = 0; round < kRounds; ++round) {
    const Json before = generator.value(4);
    Json after = before;
    for (std::size_t i = generator.below(4); i > 0; --i) {
      const auto edited = apply(after.dump(), generator.edit(after), {.indent = 0});
      if (edited) after = Json::parse(*edited);
    }
    const std::string canonical = format(before.dump(), 2);
    const std::string text = generator.below(2) == 0 ? canonical : generator.spread(before.dump());
    const auto result = rewrite(text, after.dump(), {.indent = 2});
    ASSERT_TRUE(result.ok()) << result.status().to_text();
    ASSERT_TRUE(equal_values(*result, after.dump()).value()) << text << '\n' << *result;
    const auto again = rewrite(*result, after.dump(), {.indent = 2});
    ASSERT_EQ(*again, *result) << text;
    if (before == after) {
      ASSERT_EQ(*result, text);
    }
    if (text == canonical) {
      ASSERT_EQ(*result, format(*result, 2)) << text;
    }
    if (before.is_object() && after.is_object()) {
      const Json found = Json::parse(*result);
      std::vector<std::string> kept;
      std::vector<std::string> wanted;
      for (const auto& [name, value] : found.items()) {
        if (before.contains(name)) kept.push_back(name);
      }
      for (const auto& [name, value] : before.items()) {
        if (after.contains(name)) wanted.push_back(name);
      }
      if (!wanted.empty()) {
        ASSERT_EQ(kept, wanted) << text << '\n' << *result;
      }
    }
  }
}

}  // namespace
}  // namespace safechunk::json
