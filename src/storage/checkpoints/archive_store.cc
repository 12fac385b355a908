#include "storage/checkpoints/archive_store.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>

#include "archive/zip_reader.h"
#include "archive/zip_writer.h"
#include "base/in_chunk.h"
#include "json/member.h"
#include "json/scan.h"
#include "storage/files/durable_file.h"
#include "storage/files/file_io.h"
#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;
constexpr std::uint64_t kMetaLimit = 1ULL << 20U;

class FileSink final : public archive::ByteSink {
 public:
  explicit FileSink(File& file) : file_(file) {}
  Status write_at(std::uint64_t offset, std::string_view bytes) override {
    return write_all(file_, offset, bytes);
  }

 private:
  File& file_;
};

class FileSource final : public archive::ByteSource {
 public:
  FileSource(File& file, std::uint64_t size) : file_(file), size_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  Status read_at(std::uint64_t offset, std::span<char> buffer) override {
    auto count = read_up_to(file_, offset, buffer);
    if (!count) return count.status();
    if (*count < buffer.size()) {
      return Status(ErrorCode::corrupt, "the archive is shorter than it was");
    }
    return {};
  }

 private:
  File& file_;
  const std::uint64_t size_;
};

archive::ReadLimits read_limits(const TextSettings& settings) {
  archive::ReadLimits limits;
  limits.max_entry_bytes = std::max(settings.size_limit, kMetaLimit);  // the description, too
  return limits;
}

std::string format_time(const std::tm& parts, const char* pattern) {
  std::array<char, 32> buffer{};
  const std::size_t length = std::strftime(buffer.data(), buffer.size(), pattern, &parts);
  return {buffer.data(), length};
}

std::string date_of(const layout::CheckpointName& name) {
  const std::string& t = name.time;
  return t.substr(0, 4) + "-" + t.substr(4, 2) + "-" + t.substr(6, 2) + " " + t.substr(9, 2) + ":" +
         t.substr(11, 2) + ":" + t.substr(13, 2);
}

std::string meta_text(const ArchiveRequest& request, std::size_t chunk_count) {
  std::string left_out;
  for (const std::string& chunk : request.without) {
    left_out += (left_out.empty() ? "" : ", ") + json::quote(chunk);
  }
  return "{\n    \"engine\": \"safechunk\",\n    \"format\": 1,\n    \"project\": " +
         json::quote(request.project_id) + ",\n    \"label\": " + json::quote(request.label) +
         ",\n    \"date\": " + json::quote(format_time(request.local_time, "%Y-%m-%d %H:%M:%S")) +
         ",\n    \"notes\": " + json::quote(request.notes) +
         ",\n    \"chunks\": " + std::to_string(chunk_count) + ",\n    \"left_out\": [" + left_out +
         "],\n    \"modes\": \"unix\"\n}\n";
}

}  // namespace

// --- writing

namespace {

// The archive's entries, in the order of the names.
std::vector<archive::EntryToWrite> entries_of(const Snapshot& snapshot,
                                              const ArchiveRequest& request) {
  std::vector<archive::EntryToWrite> entries;
  const auto add = [&](std::string name, std::uint32_t mode,
                       std::function<Result<std::string>()> read) {
    archive::EntryToWrite entry;
    entry.name = std::move(name);
    entry.modified_unix_seconds = request.unix_time_ns / kNanoseconds;
    entry.unix_mode = mode;
    entry.read = std::move(read);
    entries.push_back(std::move(entry));
  };
  std::size_t count = 0;
  for (const std::string& chunk : snapshot.chunks()) {
    if (request.without.contains(chunk)) continue;
    ++count;
    add(layout::archived_chunk(chunk), snapshot.mode_of_chunk(chunk),
        [&snapshot, chunk]() -> Result<std::string> {
          Inspection found = snapshot.read_chunk(chunk);
          if (found.usable()) return std::move(found.bytes);
          if (!is_damaged(found.health)) return in_chunk(found.reason, chunk);
          Error error = in_chunk(found.reason, chunk).error();
          error.code = ErrorCode::corrupt;
          error.position.reset();
          return error;
        });
  }
  for (const std::string& chunk : snapshot.backups()) {
    add(layout::archived_backup(chunk), snapshot.mode_of_backup(chunk),
        [&snapshot, chunk] { return snapshot.read_backup(chunk); });
  }
  add(layout::kCheckpointMeta, 0600,
      [text = meta_text(request, count)]() -> Result<std::string> { return text; });
  return entries;
}

// A name that sorts behind all others of its second, so that none is overwritten and the newest is
// always known.
Result<std::string> free_name(Directory& checkpoints, const ArchiveRequest& request) {
  layout::CheckpointName name{request.label, format_time(request.local_time, "%Y%m%d_%H%M%S"), 1};
  auto files = checkpoints.list();
  if (!files) return files.status();
  for (const std::string& file : *files) {
    const auto other = layout::parse_checkpoint(file);
    if (other && other->time == name.time) name.number = std::max(name.number, other->number + 1);
  }
  return layout::checkpoint_file(name);
}

Status verify_archive(File& file, const TextSettings& settings) {
  auto info = file.stat();
  if (!info) return info.status();
  FileSource source(file, info->size);
  auto reader = archive::ZipReader::open(source, read_limits(settings));
  return reader ? reader->verify() : reader.status();
}

}  // namespace

Result<std::string> write_checkpoint(Directory& checkpoints, const Snapshot& snapshot,
                                     const ArchiveRequest& request, const TextSettings& settings,
                                     const ProgressHandler& progress) {
  auto name = free_name(checkpoints, request);
  if (!name) return name;
  auto temporary = TemporaryFile::create(checkpoints, layout::temporary_of(*name),
                                         request.rights.mode_of_new_file(0666));
  if (!temporary) return temporary.status();
  auto made = temporary->file().stat();
  if (!made) return made.status();
  if (Status shared = request.rights.share(temporary->file(), *made); !shared) return shared;
  FileSink sink(temporary->file());
  archive::WriteOptions options;
  options.progress = progress;
  Status written = archive::write_zip(sink, entries_of(snapshot, request), options);
  if (!written) return written;
  Status durable =
      temporary->make_durable([&](File& file) { return verify_archive(file, settings); });
  if (!durable) return durable;
  if (Status status = temporary->publish(*name); !status) return status;
  if (Status status = checkpoints.sync(); !status) return status;
  return name;
}

// --- reading

Status check_checkpoint_name(std::string_view file_name) {
  if (layout::parse_any_checkpoint(file_name)) return {};
  return Status(ErrorCode::invalid_name,
                "not the name of a checkpoint (checkpoint_LABEL_YYYYMMDD_HHMMSS.zip)");
}

namespace {

// The description of an archive; empty when it cannot be read.
std::string description_of(Directory& checkpoints, const std::string& file_name) {
  auto file = checkpoints.open(file_name, OpenMode::read);
  if (!file) return {};
  auto info = (*file)->stat();
  if (!info) return {};
  FileSource source(**file, info->size);
  auto reader = archive::ZipReader::open(source);
  if (!reader) return {};
  for (std::size_t i = 0; i < reader->entries().size(); ++i) {
    if (reader->entries()[i].name != layout::kCheckpointMeta) continue;
    if (reader->entries()[i].size > kMetaLimit) return {};
    auto text = reader->read(i);
    return text && json::validate(*text, {.lenient = true}) ? *std::move(text) : std::string();
  }
  return {};
}

std::string member_of(const std::string& description, std::string_view key) {
  return description.empty() ? std::string() : json::string_member(description, key).value_or("");
}

// Which chunk an entry holds; nothing for a backup or the description; an error for anything else.
Result<std::optional<std::string>> classify(const std::string& entry) {
  const auto inside = [&](std::string_view folder) -> std::optional<std::string> {
    const std::string start = std::string(folder) + "/";
    if (!entry.starts_with(start)) return std::nullopt;
    return entry.substr(start.size());
  };
  if (entry == layout::kCheckpointMeta) return std::optional<std::string>();
  if (const auto file = inside(layout::kChunks)) {
    if (auto chunk = layout::chunk_of_file(*file)) return chunk;
  }
  if (const auto file = inside(layout::kBackups)) {
    if (layout::chunk_of_backup(*file)) return std::optional<std::string>();
  }
  return Status(ErrorCode::corrupt, "the archive holds '" + entry + "', which no checkpoint has");
}

}  // namespace

Result<std::vector<CheckpointInfo>> list_checkpoints(Directory& checkpoints) {
  auto files = checkpoints.list();
  if (!files) return files.status();
  std::vector<std::pair<layout::CheckpointName, std::string>> found;
  for (const std::string& file : *files) {
    if (auto name = layout::parse_any_checkpoint(file)) found.emplace_back(*std::move(name), file);
  }
  std::sort(found.begin(), found.end(),
            [](const auto& left, const auto& right) { return right.first < left.first; });
  std::vector<CheckpointInfo> list;
  for (const auto& [name, file] : found) {
    auto info = checkpoints.stat(file);
    if (!info && info.code() != ErrorCode::not_found) return info.status();
    if (!info || info->type != FileType::regular) continue;
    const std::string description = description_of(checkpoints, file);
    std::string label = name.label;
    // The original engine cut the label in the name.
    if (layout::parse_original_checkpoint(file)) {
      const std::string whole = member_of(description, "label");
      if (!whole.empty()) label = whole;
    }
    list.push_back({file, label, date_of(name), member_of(description, "notes"), info->size});
  }
  return list;
}

Status read_checkpoint(Directory& checkpoints, const std::string& file_name,
                       const TextSettings& settings, const ProgressHandler& progress,
                       const ArchivedChunkHandler& chunk_handler) {
  auto file = checkpoints.open(file_name, OpenMode::read);
  if (!file) return file.status();
  auto info = (*file)->stat();
  if (!info) return info.status();
  FileSource source(**file, info->size);
  auto reader = archive::ZipReader::open(source, read_limits(settings));
  if (!reader) return reader.status();
  const auto& entries = reader->entries();
  bool has_modes = false;
  std::vector<std::optional<std::string>> chunks;
  for (const auto& entry : entries) {
    auto chunk = classify(entry.name);
    if (!chunk) return chunk.status();
    chunks.push_back(*std::move(chunk));
    if (entry.name != layout::kCheckpointMeta || entry.size > kMetaLimit) continue;
    const auto text = reader->read(chunks.size() - 1);
    has_modes = text && json::validate(*text, {.lenient = true}) &&
                json::string_member(*text, "modes") == "unix";
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (chunks[i] && entries[i].size > settings.size_limit) {
      return in_chunk(Status(ErrorCode::too_large, "the archive has a larger one than the limit"),
                      *chunks[i]);
    }
    auto bytes = reader->read(i);
    if (!bytes) return bytes.status();
    if (chunks[i]) {
      Status valid = json::validate(*bytes, {.depth_limit = settings.depth_limit, .lenient = true});
      if (!valid) {
        Error error = in_chunk(valid, *chunks[i]).error();
        if (error.code == ErrorCode::invalid_json) error.code = ErrorCode::corrupt;
        return error;
      }
      if (chunk_handler) {
        const std::uint32_t mode = has_modes ? entries[i].unix_mode : 0;
        if (Status status = chunk_handler(*chunks[i], *bytes, mode); !status) return status;
      }
    }
    if (progress && !progress(i + 1, entries.size())) {
      return Status(ErrorCode::cancelled, "cancelled by the progress handler");
    }
  }
  return {};
}

}  // namespace safechunk
