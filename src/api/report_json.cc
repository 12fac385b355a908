#include <safechunk/report_json.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <optional>
#include <string_view>

#include "json/characters.h"
#include "json/utf8.h"

namespace safechunk {
namespace {

// --- the members of each report, in their order: the only list of them

template <typename Visit>
void visit_members(const Error& error, Visit visit) {
  const TextPosition position = error.position.value_or(TextPosition{0, 0, 0});
  visit("code", to_string(error.code));
  visit("message", error.message);
  visit("chunk", error.chunk);
  visit("path", error.path);
  visit("os_errno", error.os_errno);
  visit("offset", position.offset);
  visit("line", position.line);
  visit("column", position.column);
}

template <typename Visit>
void visit_members(const OwnerInfo& owner, Visit visit) {
  visit("pid", owner.pid);
  visit("host", owner.host);
  visit("boot_id", owner.boot_id);
  visit("process_started", owner.process_started);
  visit("since", owner.since);
}

template <typename Visit>
void visit_members(const HealthReport& report, Visit visit) {
  visit("engine_active", report.engine_active);
  visit("dirty_buffer", report.dirty_buffer);
  visit("storage_usage", report.storage_usage);
  visit("orphaned_artifacts", report.orphaned_artifacts);
  visit("shards", report.shards);
  visit("pending_chunks", report.pending_chunks);
  visit("last_sync_unix_time", report.last_sync_unix_time);
  visit("last_sync_duration_ms", report.last_sync_duration_ms);
  visit("last_error", report.last_error);
  visit("failed_commits", report.failed_commits);
  visit("retries", report.retries);
  visit("heals", report.heals);
  visit("quarantine_files", report.quarantine_files);
  visit("journal_bytes", report.journal_bytes);
  visit("bytes_written", report.bytes_written);
  visit("stamps_supported", report.stamps_supported);
  visit("weakened", report.weakened);
  visit("owner", report.owner);
}

template <typename Visit>
void visit_members(const Event& event, Visit visit) {
  visit("kind", to_string(event.kind));
  visit("chunk", event.chunk);
  visit("detail", event.detail);
}

template <typename Visit>
void visit_members(const RecoveryReport& report, Visit visit) {
  visit("clean", report.clean);
  visit("events", report.events);
}

template <typename Visit>
void visit_members(const FileVerdict& verdict, Visit visit) {
  visit("path", verdict.path);
  visit("state", to_string(verdict.state));
  visit("detail", verdict.detail);
}

template <typename Visit>
void visit_members(const VerifyReport& report, Visit visit) {
  visit("sound", report.sound());
  visit("files", report.files);
}

template <typename Visit>
void visit_members(const CheckpointInfo& info, Visit visit) {
  visit("filename", info.file_name);
  visit("label", info.label);
  visit("date", info.date);
  visit("notes", info.notes);
  visit("size", info.size);
  visit("number", info.number);
  visit("keep", info.keep);
  visit("unix_time", info.unix_time);
}

template <typename Visit>
void visit_members(const QuarantinedFile& file, Visit visit) {
  visit("name", file.name);
  visit("size", file.size);
  visit("modified", file.modified);
}

// --- values as JSON text

void append_escaped(std::string& out, std::string_view utf8) {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  for (const char c : utf8) {
    if (json::is_control(c)) {
      const auto byte = static_cast<unsigned char>(c);
      out += "\\u00";
      out += kHexDigits[byte >> 4U];
      out += kHexDigits[byte & 0xFU];
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
}

void append_text(std::string& out, std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
  out += '"';
  for (;;) {
    const std::size_t valid = json::find_invalid_utf8(text);
    append_escaped(out, text.substr(0, valid));
    if (valid == text.size()) break;
    out += kReplacement;
    text.remove_prefix(valid + 1);
  }
  out += '"';
}

template <typename Number>
std::string_view append_number(std::string& out, Number number) {
  std::array<char, 32> digits{};  // enough for 64-bit integers and for doubles
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  const std::size_t begin = out.size();
  out.append(digits.data(), end);
  return std::string_view(out).substr(begin);
}

// A number with a fraction or an exponent, so that every reader takes it for the same type.
void append_double(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
  } else if (append_number(out, number).find_first_of(".e") == std::string_view::npos) {
    out += ".0";
  }
}

template <typename Item>
void append_value(std::string& out, const std::vector<Item>& items);
template <typename Item>
void append_value(std::string& out, const std::optional<Item>& item);

template <typename Value>
void append_value(std::string& out, const Value& value) {
  if constexpr (std::same_as<Value, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (std::integral<Value>) {
    (void)append_number(out, value);
  } else if constexpr (std::floating_point<Value>) {
    append_double(out, value);
  } else if constexpr (std::convertible_to<const Value&, std::string_view>) {
    append_text(out, value);
  } else {
    char separator = '{';
    visit_members(value, [&](std::string_view name, const auto& member) {
      out += separator;
      separator = ',';
      append_text(out, name);
      out += ':';
      append_value(out, member);
    });
    out += '}';
  }
}

template <typename Item>
void append_value(std::string& out, const std::vector<Item>& items) {
  out += '[';
  for (const Item& item : items) {
    if (&item != items.data()) out += ',';
    append_value(out, item);
  }
  out += ']';
}

template <typename Item>
void append_value(std::string& out, const std::optional<Item>& item) {
  if (item) {
    append_value(out, *item);
  } else {
    out += "null";
  }
}

template <typename Value>
std::string text_of(const Value& value) {
  std::string out;
  append_value(out, value);
  return out;
}

}  // namespace

std::string to_json(const Error& error) {
  return text_of(error);
}
std::string to_json(const OwnerInfo& owner) {
  return text_of(owner);
}
std::string to_json(const HealthReport& report) {
  return text_of(report);
}
std::string to_json(const RecoveryReport& report) {
  return text_of(report);
}
std::string to_json(const VerifyReport& report) {
  return text_of(report);
}
std::string to_json(const std::vector<CheckpointInfo>& checkpoints) {
  return text_of(checkpoints);
}
std::string to_json(const std::vector<QuarantinedFile>& files) {
  return text_of(files);
}

}  // namespace safechunk
