// Adapter for nlohmann/json: json, ordered_json, and every type with a to_json/from_json of theirs.
//
//   engine.stage_update(nlohmann::json{{"name", "Alice"}}, "users");
//   auto users = engine.fetch_chunk<nlohmann::json>("users");   // Result<json>
//
// Key order: nlohmann::json sorts the keys of an object by name. nlohmann::ordered_json keeps them
// in the order in which they were inserted or read.
//
// Missing chunks: fetch_chunk() returns {} as a JSON value, and a default T for another type T.
//
// A value that JSON cannot hold (a string that is not UTF-8) is refused with invalid_json. As in
// nlohmann/json, NaN and infinities become null. Numbers have the types of nlohmann/json: use text
// for numbers that need more than a double or 64 bits.
//
// Exceptions must be switched on, because nlohmann/json reports a wrong type or a wrong string by
// an exception. This header catches them and returns a Status. Without exceptions nlohmann/json
// would end the program instead.
#pragma once

#if defined(JSON_NOEXCEPTION) || !(defined(__cpp_exceptions) || defined(_CPPUNWIND))
// clang-format off
#error "safechunk/nlohmann.hpp needs C++ exceptions (no -fno-exceptions, no JSON_NOEXCEPTION). Without them, include safechunk/safechunk.hpp and pass JSON text, or specialise safechunk::ChunkCodec."
// clang-format on
#endif

#include <concepts>
#include <nlohmann/json.hpp>

#include <safechunk/safechunk.hpp>

namespace safechunk {

namespace detail {

template <typename T>
concept NlohmannJson = nlohmann::detail::is_basic_json<T>::value;

// The types that nlohmann/json converts, except strings: a string given to the engine is JSON text.
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
  // The original engine wrote NaN and Infinity, which the parser of nlohmann/json refuses.
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
  static Json when_missing() { return Json::object(); }
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
