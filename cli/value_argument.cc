#include "value_argument.h"

#include <algorithm>
#include <array>

#include "saving.h"

namespace safechunk::cli {
namespace {

// The text as a JSON string. Bytes that are not UTF-8 stay, so that the engine names them.
std::string json_string(std::string_view text) {
  constexpr std::string_view kEscaped = "\"\\\n\r\t\b\f";
  constexpr std::string_view kLetters = "\"\\nrtbf";
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (const auto at = kEscaped.find(c); at != std::string_view::npos) {
      result += '\\';
      result += kLetters[at];
    } else if (byte < 0x20) {
      result += "\\u00";
      result += kDigits[byte >> 4U];
      result += kDigits[byte & 0xFU];
    } else {
      result += c;
    }
  }
  return result + "\"";
}

// What was probably meant by a text that is no JSON, as a shell takes it; or empty.
std::string meant(const std::string& text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kWords = {
      {{"True", "true"},
       {"False", "false"},
       {"None", "null"},
       {"TRUE", "true"},
       {"FALSE", "false"}}};
  for (const auto& [word, json] : kWords) {
    if (text == word) return "'" + std::string(json) + "'";
  }
  const bool looks_like_json =
      !text.empty() && std::string_view("{[\"").find(text.front()) != std::string_view::npos;
  const bool is_plain = std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\''; });
  if (looks_like_json || !is_plain) return {};
  return "'" + json_string(text) + "'";
}

}  // namespace

void add_value(CLI::App& command, const std::shared_ptr<ValueArgument>& argument) {
  command.add_option("value", argument->value, "the value as JSON text; - is standard input")
      ->capture_default_str();
  command.add_flag("--string", argument->is_string, "take the value as a string without quotes");
}

Result<std::string> read_value(const ValueArgument& argument) {
  auto text = argument.value == "-" ? read_input("-") : argument.value;
  if (!text || !argument.is_string) return text;
  // 'echo dark | safechunk set ... --string' does not mean the end of the line.
  if (argument.value == "-" && text->ends_with('\n')) text->pop_back();
  return json_string(*text);
}

Status with_hint(const Status& status, const ValueArgument& argument) {
  if (status.code() != ErrorCode::invalid_json || argument.is_string || argument.value == "-") {
    return status;
  }
  Error error = status.error();
  const std::string hint = meant(argument.value);
  error.message +=
      hint.empty() ? "; --string takes the value as a string" : "; did you mean " + hint + "?";
  return error;
}

}  // namespace safechunk::cli
