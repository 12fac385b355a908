#include "storage/files/project_layout.h"

#include <charconv>

#include "base/chunk_name.h"

namespace safechunk::layout {
namespace {

constexpr std::string_view kChunkEnding = ".json";
constexpr std::string_view kBackupEnding = ".bak";
constexpr std::string_view kArchiveEnding = ".zip";
constexpr std::string_view kCheckpointStart = "checkpoint_";
constexpr std::string_view kPinStart = ".pin-";
constexpr std::uint32_t kMaxNumber = 999'999;
constexpr std::size_t kTimeLength = 15;  // YYYYMMDD_HHMMSS

std::string join(std::string_view first, std::string_view second) {
  std::string joined;
  joined.reserve(first.size() + second.size());
  joined += first;
  joined += second;
  return joined;
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

}  // namespace

std::string chunk_file(std::string_view chunk) {
  return join(chunk, kChunkEnding);
}
std::string chunk_temporary(std::string_view chunk) {
  return join(chunk, kTemporaryEnding);
}
std::optional<std::string> chunk_of_file(std::string_view file) {
  return strip_ending(file, kChunkEnding);
}

std::string backup_file(std::string_view chunk) {
  return join(chunk, kBackupEnding);
}
std::string backup_temporary(std::string_view chunk) {
  return join(backup_file(chunk), kTemporaryEnding);
}
std::optional<std::string> chunk_of_backup(std::string_view file) {
  return strip_ending(file, kBackupEnding);
}

bool is_temporary(std::string_view file) {
  return file.ends_with(kTemporaryEnding);
}

std::string set_aside(std::string_view name, std::uint64_t token) {
  return join(name, "." + Digest{token, 0}.to_hex().substr(16));
}

std::string quarantined_file(std::string_view file, const Digest& bytes) {
  return join(file, "." + bytes.to_hex());
}
std::string conflict_file(std::string_view chunk) {
  return join(chunk, ".conflict");
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
    if (name.number > kMaxNumber) return std::nullopt;
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

std::string pin_folder(std::uint64_t token) {
  return join(kPinStart, Digest{token, 0}.to_hex().substr(16));
}
bool is_pin_folder(std::string_view name) {
  return name.starts_with(kPinStart);
}

std::string archived_chunk(std::string_view chunk) {
  return join(kChunks, "/" + chunk_file(chunk));
}
std::string archived_backup(std::string_view chunk) {
  return join(kBackups, "/" + backup_file(chunk));
}

}  // namespace safechunk::layout
