#include "storage/files/project_layout.h"

#include <charconv>

#include "base/chunk_name.h"
#include "base/limits.h"

namespace safechunk::layout {
namespace {

constexpr std::string_view kChunkEnding = ".json";
constexpr std::string_view kLogEnding = ".jsonl";
constexpr std::size_t kRotatedDigits = 6;
constexpr std::string_view kBackupEnding = ".bak";
constexpr std::string_view kArchiveEnding = ".zip";
constexpr std::string_view kCheckpointStart = "checkpoint_";
constexpr std::string_view kOriginalStart = "cp_";
constexpr std::string_view kPinStart = ".pin-";
constexpr std::string_view kUnfinishedStart = "archive.";
constexpr std::size_t kTimeLength = 15;  // YYYYMMDD_HHMMSS
constexpr std::string_view kTemporaryEnding = ".tmp";
constexpr std::uint64_t kTokenSeed = 0x5afec40c0ffeeULL;
constexpr std::uint64_t kDisplacedSeed = 0xd15b1acedULL;
constexpr std::size_t kTokenDigits = 8;

std::string join(std::string_view first, std::string_view second) {
  std::string joined;
  joined.reserve(first.size() + second.size());
  joined += first;
  joined += second;
  return joined;
}

std::string hex_of(std::uint64_t value, std::size_t digits) {
  return Digest{value, 0}.to_hex().substr(2 * sizeof value + 2 * sizeof value - digits);
}

std::string token_of(std::string_view name, std::uint64_t seed = kTokenSeed) {
  return hex_of(checksum_of(name, seed), kTokenDigits);
}

// NAME.TOKEN without ".TOKEN" when the token is that of the name.
std::optional<std::string_view> strip_token(std::string_view text, std::uint64_t seed) {
  if (text.size() < kTokenDigits + 2) return std::nullopt;
  const std::string_view name = text.substr(0, text.size() - kTokenDigits - 1);
  const bool own = text[name.size()] == '.' && text.substr(name.size() + 1) == token_of(name, seed);
  return own ? std::optional(name) : std::nullopt;
}

std::optional<std::string_view> without_temporary_ending(std::string_view file) {
  if (!file.ends_with(kTemporaryEnding)) return std::nullopt;
  return file.substr(0, file.size() - kTemporaryEnding.size());
}

std::optional<std::string> strip_ending(std::string_view file, std::string_view ending) {
  if (!file.ends_with(ending)) return std::nullopt;
  file.remove_suffix(ending.size());
  if (!check_name(file, "name").ok()) return std::nullopt;
  return std::string(file);
}

bool is_time(std::string_view text) {
  if (text.size() != kTimeLength) return false;
  for (std::size_t i = 0; i < kTimeLength; ++i) {
    const bool expected = i == 8 ? text[i] == '_' : text[i] >= '0' && text[i] <= '9';
    if (!expected) return false;
  }
  return true;
}

// At most as long as a name may be, in whole characters, without a dot or a blank at the end.
void shorten(std::string& name) {
  if (name.size() > limits::kNameBytes) {
    std::size_t end = limits::kNameBytes;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0U) == 0x80) --end;
    name.resize(end);
  }
  if (name.ends_with('.') || name.ends_with(' ')) name.back() = '_';
}

}  // namespace

std::string chunk_file(std::string_view chunk) {
  return join(chunk, kChunkEnding);
}
std::optional<std::string> chunk_of_file(std::string_view file) {
  return strip_ending(file, kChunkEnding);
}

Status refused_chunk_file(std::string_view file) {
  if (!file.ends_with(kChunkEnding) || file.starts_with(".#") || file.starts_with("._")) return {};
  return check_name(file.substr(0, file.size() - kChunkEnding.size()), "chunk name");
}

std::string log_file(std::string_view log) {
  return join(log, kLogEnding);
}
std::optional<std::string> log_of_file(std::string_view file) {
  return strip_ending(file, kLogEnding);
}

std::string rotated_log(std::string_view log, std::uint32_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < kRotatedDigits) digits.insert(0, kRotatedDigits - digits.size(), '0');
  return join(log, "." + digits);
}
std::optional<std::uint32_t> number_of_rotated(std::string_view log, std::string_view of) {
  if (!log.starts_with(of)) return std::nullopt;
  log.remove_prefix(of.size());
  constexpr std::size_t kMostDigits = 9;
  if (log.size() < kRotatedDigits + 1 || log.size() > kMostDigits + 1 || log.front() != '.') {
    return std::nullopt;
  }
  log.remove_prefix(1);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(log.data(), log.data() + log.size(), number);
  if (error != std::errc() || end != log.data() + log.size()) return std::nullopt;
  return number;
}

std::string backup_file(std::string_view chunk) {
  return join(chunk, kBackupEnding);
}
std::optional<std::string> chunk_of_backup(std::string_view file) {
  return strip_ending(file, kBackupEnding);
}

std::string temporary_of(std::string_view name) {
  std::string temporary = join(name, "." + token_of(name));
  temporary += kTemporaryEnding;
  return temporary;
}
bool is_own_temporary(std::string_view file) {
  const auto text = without_temporary_ending(file);
  return text && (strip_token(*text, kTokenSeed) || strip_token(*text, kDisplacedSeed));
}

std::string displaced_file(std::string_view chunk) {
  std::string file = join(chunk, "." + token_of(chunk, kDisplacedSeed));
  file += kTemporaryEnding;
  return file;
}
std::optional<std::string> chunk_of_displaced(std::string_view file) {
  const auto text = without_temporary_ending(file);
  const auto chunk = text ? strip_token(*text, kDisplacedSeed) : std::nullopt;
  if (!chunk || !check_name(*chunk, "name").ok()) return std::nullopt;
  return std::string(*chunk);
}
bool is_any_temporary(std::string_view file) {
  return file.ends_with(kTemporaryEnding);
}

std::string set_aside(std::string_view name, std::uint64_t token) {
  return join(name, "." + hex_of(token, 2 * sizeof token));
}

std::string side_folder(std::string_view file) {
  std::string name = join(".", file);
  name += kSideFolder;
  return name;
}
bool is_side_folder(std::string_view name) {
  return name.starts_with('.') && name.ends_with(kSideFolder) &&
         name.size() > std::string_view(kSideFolder).size() + 1;
}

std::string edited_file(std::string_view file, std::uint64_t token) {
  return temporary_of(set_aside(file, token));
}
std::string replaced_file(std::string_view file, std::uint64_t token) {
  return displaced_file(set_aside(file, token));
}

EditName edit_name_of(std::string_view name, std::string_view file) {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  const auto text = without_temporary_ending(name);
  if (!text) return EditName::none;
  const auto edited = strip_token(*text, kTokenSeed);
  const auto set_aside_name = edited ? edited : strip_token(*text, kDisplacedSeed);
  if (!set_aside_name || !set_aside_name->starts_with(file)) return EditName::none;
  const std::string_view token = set_aside_name->substr(file.size());
  const bool is_token = token.size() == 1 + 2 * sizeof(std::uint64_t) && token.front() == '.' &&
                        token.find_first_not_of(kHexDigits, 1) == std::string_view::npos;
  if (!is_token) return EditName::none;
  return edited ? EditName::edited : EditName::replaced;
}

std::string quarantined_file(std::string_view file, const Digest& bytes) {
  return join(file, "." + bytes.to_hex());
}
std::string conflict_file(std::string_view chunk) {
  return join(chunk, ".conflict");
}

std::string label_in_name(std::string_view label) {
  if (label.empty()) return "unnamed";
  std::string name(label);
  for (char& c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool refused = std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos;
    if (byte < 0x20 || byte == 0x7F || refused) c = '_';
  }
  shorten(name);
  // A device of Windows, or the companion of a file.
  if (!check_name(name, "label").ok()) {
    name.insert(0, 1, '_');
    shorten(name);
  }
  return name;
}

std::string checkpoint_file(const CheckpointName& name) {
  std::string file = join(kCheckpointStart, name.label);
  file += "_" + name.time;
  if (name.number > 1) file += "_" + std::to_string(name.number);
  file += kArchiveEnding;
  return file;
}

std::optional<CheckpointName> parse_checkpoint(std::string_view file) {
  if (!file.starts_with(kCheckpointStart) || !file.ends_with(kArchiveEnding)) return std::nullopt;
  file.remove_prefix(kCheckpointStart.size());
  file.remove_suffix(kArchiveEnding.size());
  CheckpointName name;
  // LABEL_TIME or LABEL_TIME_NUMBER; the label may hold underscores itself.
  const auto last = file.rfind('_');
  if (last == std::string_view::npos) return std::nullopt;
  const std::string_view tail = file.substr(last + 1);
  const bool numbered = file.size() > kTimeLength && last >= kTimeLength &&
                        is_time(file.substr(last - kTimeLength, kTimeLength));
  if (numbered) {
    const auto [end, error] = std::from_chars(tail.data(), tail.data() + tail.size(), name.number);
    if (error != std::errc() || end != tail.data() + tail.size() || name.number < 2) {
      return std::nullopt;
    }
    if (name.number > kMaxCheckpointNumber) return std::nullopt;
    file = file.substr(0, last);
  }
  if (file.size() < kTimeLength + 2) return std::nullopt;
  const std::size_t start = file.size() - kTimeLength;
  if (!is_time(file.substr(start)) || file[start - 1] != '_') return std::nullopt;
  name.time = file.substr(start);
  name.label = file.substr(0, start - 1);
  if (!check_name(name.label, "label").ok()) return std::nullopt;
  return name;
}

std::optional<CheckpointName> parse_original_checkpoint(std::string_view file) {
  if (!file.starts_with(kOriginalStart) || !file.ends_with(kArchiveEnding)) return std::nullopt;
  file.remove_prefix(kOriginalStart.size());
  file.remove_suffix(kArchiveEnding.size());
  if (file.size() < kTimeLength + 1 || file.size() > limits::kNameBytes) return std::nullopt;
  const std::size_t start = file.size() - kTimeLength;
  if (!is_time(file.substr(start)) || file[start - 1] != '_') return std::nullopt;
  CheckpointName name;
  name.time = file.substr(start);
  name.label = file.substr(0, start - 1);
  if (!name.label.empty() && !check_name(name.label, "label").ok()) return std::nullopt;
  return name;
}

std::optional<CheckpointName> parse_any_checkpoint(std::string_view file) {
  auto name = parse_checkpoint(file);
  return name ? name : parse_original_checkpoint(file);
}

std::string pin_folder(std::uint64_t token) {
  const std::string name = join(kPinStart, hex_of(token, 2 * sizeof token));
  return name + "." + token_of(name);
}
bool is_own_pin_folder(std::string_view name) {
  return name.starts_with(kPinStart) && strip_token(name, kTokenSeed).has_value();
}

std::string unfinished_archive(std::uint64_t token) {
  return temporary_of(join(kUnfinishedStart, hex_of(token, 2 * sizeof token)));
}

std::string archived_chunk(std::string_view chunk) {
  return join(kChunks, "/" + chunk_file(chunk));
}
std::string archived_backup(std::string_view chunk) {
  return join(kBackups, "/" + backup_file(chunk));
}

}  // namespace safechunk::layout
