#include "messages.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>

namespace safechunk::cli {

void Messages::print(const char* member, const Json& value, const std::string& line) {
  if (json_) {
    const Json object = {{member, value}};
    std::cerr << object.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    std::cerr << "safechunk: " << line << "\n";
  }
  std::cerr.flush();
}

void Messages::recovery(const Event& event) {
  const std::lock_guard lock(mutex_);
  std::string line = "recovery: " + std::string(to_string(event.kind));
  if (!event.chunk.empty()) line += " '" + event.chunk + "'";
  line += ": " + printable(event.detail);
  const Json value = {
      {"kind", to_string(event.kind)}, {"chunk", event.chunk}, {"detail", event.detail}};
  print("recovery", value, line);
  lines_.insert(event.chunk + "\n" + event.detail);
}

void Messages::fault(const Error& error) {
  const std::lock_guard lock(mutex_);
  faults_.push_back(error);
  if (lines_.contains(error.chunk + "\n" + error.message)) return;
  std::string line = printable(error.to_text());
  if (lines_.insert(line).second) print("fault", Json::parse(to_json(error)), line);
}

void Messages::error(const Error& error) {
  const std::lock_guard lock(mutex_);
  const std::string line = printable(error.to_text());
  if (json_ || !lines_.contains(line)) print("error", Json::parse(to_json(error)), line);
}

void Messages::interrupted(std::string_view signal_name) {
  const std::lock_guard lock(mutex_);
  print("interrupted", signal_name, "interrupted by " + std::string(signal_name));
}

void Messages::note(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (!json_) print("note", text, text);
}

void Messages::usage(const std::string& message) {
  if (!json_) {
    const std::lock_guard lock(mutex_);
    print("error", {}, printable(message) + "\nRun 'safechunk --help' for more information.");
    return;
  }
  error(Status(ErrorCode::invalid_argument, message).error());
}

std::vector<Error> Messages::faults() const {
  const std::lock_guard lock(mutex_);
  return faults_;
}

std::string printable(std::string_view text) {
  std::string result;
  int c1 = 0;  // bytes left of U+0080 to U+009F, which also control some terminals
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0xC2 && i + 1 < text.size()) {
      const auto next = static_cast<unsigned char>(text[i + 1]);
      if (next >= 0x80 && next <= 0x9F) c1 = 2;
    }
    if (byte < 0x20 || byte == 0x7F || c1 > 0) {
      c1 = std::max(c1 - 1, 0);
      std::array<char, 8> hex{};
      std::snprintf(hex.data(), hex.size(), "\\x%02X", byte);
      result += hex.data();
    } else {
      result += text[i];
    }
  }
  return result;
}

std::string counted(std::uint64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

void print(const Json& value) {
  std::cout << value.dump(4, ' ', false, Json::error_handler_t::replace) << "\n";
}

void print_report(const std::string& text) {
  print(Json::parse(text));
}

}  // namespace safechunk::cli
