// Adapter for nlohmann/json: json, ordered_json, and every type with a to_json/from_json of theirs.
//
//   engine.stage_update(nlohmann::json{{"name", "Alice"}}, "users");
//   auto users = engine.fetch_chunk<nlohmann::json>("users");   // Result<json>
//
// A value that JSON cannot hold (a string that is not UTF-8) is refused with invalid_json. As that
// library does, NaN and infinities become null. Numbers pass through that library's own types: use
// text where more than a double or 64 bits must survive.
#pragma once

#include <concepts>
#include <nlohmann/json.hpp>

#include <safechunk/safechunk.hpp>

namespace safechunk {

namespace detail {

template <typename T>
concept NlohmannJson = nlohmann::detail::is_basic_json<T>::value;

// Types that nlohmann converts, except strings: a string given to the engine is JSON text.
template <typename T>
concept NlohmannConvertible =
    !NlohmannJson<T> && !std::convertible_to<const T&, std::string_view> &&
    std::default_initializable<T> && requires(const T& value, nlohmann::json& json, T& target) {
  nlohmann::to_json(json, value);
  nlohmann::from_json(json, target);
};

template <NlohmannJson Json>
Result<std::string> dump(const Json& value) {
  try {
    return value.dump();
  } catch (const nlohmann::detail::exception& exception) {
    return Status(ErrorCode::invalid_json, exception.what());
  }
}

template <NlohmannJson Json>
Result<Json> parse(std::string_view text) {
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  // The original engine wrote NaN and Infinity, which that parser refuses.
  if (value.is_discarded()) value = Json::parse(json_without_non_finite(text), nullptr, false);
  if (value.is_discarded())
    return Status(ErrorCode::invalid_json, "nlohmann/json refuses this text");
  return value;
}

}  // namespace detail

template <detail::NlohmannJson Json>
struct ChunkCodec<Json> {
  static Result<std::string> to_text(const Json& value) { return detail::dump(value); }
  static Result<Json> from_text(std::string_view text) { return detail::parse<Json>(text); }
};

template <detail::NlohmannConvertible T>
struct ChunkCodec<T> {
  static Result<std::string> to_text(const T& value) {
    try {
      return detail::dump(nlohmann::json(value));
    } catch (const std::exception& exception) {
      return Status(ErrorCode::invalid_json, exception.what());
    }
  }
  static Result<T> from_text(std::string_view text) {
    auto json = detail::parse<nlohmann::json>(text);
    if (!json) return json.status();
    try {
      return json->template get<T>();
    } catch (const std::exception& exception) {
      return Status(ErrorCode::invalid_json, exception.what());
    }
  }
};

}  // namespace safechunk
