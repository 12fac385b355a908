// An edit keeps JSON what is JSON, and changes what nlohmann/json changes.
//
// Input: one byte (the kind of the edit and the indentation), then three texts that are separated
// by NUL bytes: document, pointer, value.

#include <nlohmann/json.hpp>
#include <string>

#include <safechunk/engine.hpp>

#include "base/limits.h"
#include "fuzz_support.h"
#include "json/edit.h"
#include "json/equal.h"
#include "json/format.h"
#include "json/pointer.h"
#include "json/rewrite.h"
#include "json/scan.h"

using namespace safechunk;
using Kind = json::Edit::Kind;
using Json = nlohmann::json;

namespace {

constexpr std::uint32_t kDepthLimit = 60;
constexpr std::size_t kSizeLimit = 100'000;
constexpr std::size_t kMaxNumber = 15;  // digits and what belongs to them

// The text up to the next NUL byte, which is removed.
std::string take(std::string_view& input) {
  const std::size_t size = std::min(input.find('\0'), input.size());
  std::string text(input.substr(0, size));
  input.remove_prefix(std::min(size + 1, input.size()));
  return text;
}

// Does nlohmann/json read the same from the text as we do? Not numbers that it rounds, and not
// objects with a member twice.
bool is_plain(const std::string& text) {
  if (!json::validate(text, {.depth_limit = kDepthLimit}).ok() || !Json::accept(text)) return false;
  if (text.find_first_of("eE.") != std::string::npos) return false;
  std::size_t digits = 0;
  for (const char c : text) {
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    if (digits > kMaxNumber) return false;
  }
  return json::equal_values(text, text).ok();
}

void compare_merge(const std::string& text, const json::Edit& edit,
                   const Result<std::string>& edited) {
  if (edit.kind != Kind::merge || !is_plain(text) || !is_plain(edit.value)) return;
  if (edited.code() == ErrorCode::too_large || edited.code() == ErrorCode::too_deep) return;
  Json expected = Json::parse(text);
  expected.merge_patch(Json::parse(edit.value));
  require(edited.ok() && Json::parse(*edited) == expected);
}

// The value that was set is where it was set.
void check_set(const json::Edit& edit, const std::string& edited) {
  if (edit.kind != Kind::set || edit.pointer.ends_with("-")) return;
  const Result<std::string_view> value =
      json::value_at(edited, *json::Pointer::parse(edit.pointer));
  require(value.ok());
  const Result<bool> equal = json::equal_values(*value, edit.value);
  require(!equal.ok() || *equal);
}

// A program may ask for a value in any text: it gets JSON, or an error.
void check_value_at(const std::string& text, const std::string& pointer) {
  const Result<std::string> value = json_value_at(text, pointer);
  if (!value.ok()) return;
  const json::ScanOptions options{.depth_limit = limits::kDepth, .lenient = true};
  require(json::validate(text, options).ok() && json::validate(*value, options).ok());
}

// A whole value in the place of another one: it is there, and nothing is left to do.
void check_rewrite(const std::string& text, const std::string& value,
                   const json::EditOptions& options) {
  if (!json::validate(value, {.depth_limit = kDepthLimit, .lenient = true}).ok()) return;
  const Result<std::string> written = json::rewrite(text, value, options);
  if (!written.ok()) return;
  require(written->size() <= kSizeLimit);
  require(json::validate(*written, {.depth_limit = kDepthLimit, .lenient = true}).ok());
  // Values are compared as RFC 8259 has them: without a byte-order mark, and without NaN.
  const json::ScanOptions strict{.depth_limit = kDepthLimit};
  if (json::validate(value, strict).ok() && json::validate(*written, strict).ok()) {
    const Result<bool> equal = json::equal_values(*written, value);
    require(!equal.ok() || *equal);
  }
  const Result<std::string> again = json::rewrite(*written, value, options);
  require(again.ok() && *again == *written);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view input = as_text(data + 1, size - 1);
  const std::string text = take(input);
  json::Edit edit{static_cast<Kind>(data[0] % 4 + 1), take(input), {}};
  edit.value = input;
  constexpr unsigned kIndents[] = {0, 1, 4};
  const json::EditOptions options{
      .indent = kIndents[data[0] / 4 % 3], .depth_limit = kDepthLimit, .size_limit = kSizeLimit};
  const Status checked = json::check(edit, options);
  check_value_at(text, edit.pointer);
  if (!json::validate(text, {.depth_limit = kDepthLimit, .lenient = true}).ok()) return 0;
  check_rewrite(text, edit.value, options);
  const Result<std::string> edited = json::apply(text, edit, options);
  require(checked.ok() || edited.status().to_text() == checked.to_text());
  compare_merge(text, edit, edited);
  if (!edited.ok()) return 0;
  require(edited->size() <= kSizeLimit);
  require(json::validate(*edited, {.depth_limit = kDepthLimit, .lenient = true}).ok());
  check_set(edit, *edited);

  const Result<std::string> canonical =
      json::apply(json::format(text, options.indent), edit, options);
  if (canonical.code() == ErrorCode::too_large) return 0;
  require(canonical.ok() && *canonical == json::format(*edited, options.indent));
  return 0;
}
