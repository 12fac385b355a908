#include <algorithm>
#include <array>
#include <memory>

#include "../saving.h"

namespace safechunk::cli {
namespace {

struct SetArguments {
  std::string chunk;
  std::string pointer;
  std::string value = "-";
  bool is_string = false;
};

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

Status with_hint(const Status& status, const SetArguments& arguments) {
  if (status.code() != ErrorCode::invalid_json || arguments.is_string || arguments.value == "-") {
    return status;
  }
  Error error = status.error();
  const std::string hint = meant(arguments.value);
  error.message +=
      hint.empty() ? "; --string takes the value as a string" : "; did you mean " + hint + "?";
  return error;
}

Result<std::string> read_value(const SetArguments& arguments) {
  if (arguments.value != "-") return arguments.value;
  auto text = read_input("-");
  // 'echo dark | safechunk set ... --string' does not mean the end of the line.
  if (text && arguments.is_string && text->ends_with('\n')) text->pop_back();
  return text;
}

int set(const Context& context, const SetArguments& arguments, const EditCondition& condition) {
  const std::string& chunk = arguments.chunk;
  const std::string& pointer = arguments.pointer;
  if (Status status = check_ending(context, chunk); !status) return fail(context, status);
  const auto value = read_value(arguments);
  if (!value) return fail(context, value.status());
  const std::string json_text = arguments.is_string ? json_string(*value) : *value;
  return save(context,
              {chunk, condition,
               [&](Transaction& transaction) {
                 return with_hint(transaction.stage_value(chunk, pointer, json_text), arguments);
               },
               [&](SafeChunkEngine& engine) {
                 return engine.stage_value(chunk, pointer, std::string_view(json_text), condition);
               }},
              Missing::create);
}

}  // namespace

void add_set(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<SetArguments>();
  auto condition = std::make_shared<EditCondition>();
  CLI::App* command = add_command(
      app, context, "set", "set one value of a chunk, and leave all other bytes as they are",
      [arguments, condition](Context& c) { return set(c, *arguments, *condition); });
  command->add_option("chunk", arguments->chunk, "the chunk's name")->required();
  command->add_option("pointer", arguments->pointer, "where the value is: /window/width, /users/0")
      ->required();
  command->add_option("value", arguments->value, "the value as JSON text; - is standard input")
      ->capture_default_str();
  command->add_flag("--string", arguments->is_string, "take the value as a string without quotes");
  add_condition(*command, condition);
}

}  // namespace safechunk::cli
