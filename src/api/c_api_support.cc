#include "api/c_api_support.h"

namespace safechunk::c_api {

void copy_error(const Error& from, safechunk_error& to) noexcept {
  to.code = static_cast<safechunk_code>(from.code);
  to.os_errno = from.os_errno;
  const TextPosition position = from.position.value_or(TextPosition{0, 0, 0});
  to.offset = position.offset;
  to.line = position.line;
  to.column = position.column;
  copy_text(from.message, to.message);
  copy_text(from.chunk, to.chunk);
  copy_text(from.path, to.path);
}

safechunk_code report(const Error& error, safechunk_error* out) noexcept {
  if (out != nullptr && out->size >= sizeof(safechunk_error)) copy_error(error, *out);
  return static_cast<safechunk_code>(error.code);
}

safechunk_code report(ErrorCode code, const char* message, int os_errno,
                      safechunk_error* out) noexcept {
  (void)report(Error(), out);
  if (out != nullptr && out->size >= sizeof(safechunk_error)) {
    out->code = static_cast<safechunk_code>(code);
    out->os_errno = os_errno;
    copy_text(message, out->message);
  }
  return static_cast<safechunk_code>(code);
}

char* give_text(std::string_view text) {
  auto* const memory = static_cast<char*>(::operator new(text.size() + 1));
  std::memcpy(memory, text.data(), text.size());
  memory[text.size()] = '\0';
  return memory;
}

std::shared_ptr<void> hold_user_data(void* user_data, safechunk_drop_handler drop) {
  // Without an allocation, so that a handler can be removed when memory is lacking.
  if (drop == nullptr) return {std::shared_ptr<void>(), user_data};
  return {user_data, drop};  // called, too, when this throws
}

std::chrono::milliseconds to_timeout(std::int64_t timeout_ms) noexcept {
  constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24 * 365);
  const std::chrono::milliseconds given(timeout_ms);
  return given.count() < 0 || given > kLongest ? kLongest : given;
}

char** give_names(const std::vector<std::string>& names) {
  const std::size_t heads = (names.size() + 1) * sizeof(char*);
  std::size_t size = heads;
  for (const std::string& name : names) size += name.size() + 1;
  auto* const memory = static_cast<char*>(::operator new(size));
  auto** const list = reinterpret_cast<char**>(memory);
  char* at = memory + heads;
  for (std::size_t i = 0; i < names.size(); ++i) {
    list[i] = at;
    std::memcpy(at, names[i].c_str(), names[i].size() + 1);
    at += names[i].size() + 1;
  }
  list[names.size()] = nullptr;
  return list;
}

ProgressHandler to_handler(safechunk_progress_handler progress, void* user_data) {
  if (progress == nullptr) return nullptr;
  return [progress, user_data](std::uint64_t done, std::uint64_t total) {
    return progress(done, total, user_data) != 0;
  };
}

}  // namespace safechunk::c_api
