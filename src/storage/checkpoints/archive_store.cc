#include "storage/checkpoints/archive_store.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>

#include "archive/zip_reader.h"
#include "archive/zip_writer.h"
#include "base/in_chunk.h"
#include "json/scan.h"
#include "storage/checkpoints/catalog.h"
#include "storage/checkpoints/description.h"
#include "storage/checkpoints/file_streams.h"
#include "storage/files/durable_file.h"
#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;

std::string format_time(const std::tm& parts, const char* pattern) {
  std::array<char, 32> buffer{};
  const std::size_t length = std::strftime(buffer.data(), buffer.size(), pattern, &parts);
  return {buffer.data(), length};
}

}  // namespace

// --- writing

namespace {

using ReadEntry = std::function<Result<std::string>()>;

// The chunk as it was at the moment of the source, or the version that takes its place.
Result<std::string> read_chunk(const ArchiveSource& source, const ArchiveRequest& request,
                               const std::string& chunk) {
  Inspection found = source.read_chunk(chunk);
  if (found.usable()) return std::move(found.bytes);
  const auto instead = request.instead.find(chunk);
  if (instead != request.instead.end()) return instead->second;
  if (!is_damaged(found.health)) return in_chunk(found.reason, chunk);
  Error error = in_chunk(found.reason, chunk).error();
  error.code = ErrorCode::corrupt;
  error.position.reset();
  return error;
}

// Names of the chunks that the archive will have, sorted.
std::set<std::string> chunks_of(const ArchiveSource& source, const ArchiveRequest& request) {
  std::set<std::string> chunks(source.chunks().begin(), source.chunks().end());
  for (const auto& [chunk, text] : request.instead) chunks.insert(chunk);
  for (const std::string& chunk : request.left_out) chunks.erase(chunk);
  return chunks;
}

Description describe(const ArchiveRequest& request, std::uint64_t number, std::size_t chunks) {
  Description description;
  description.number = number;
  description.label = request.label;
  description.notes = request.notes;
  description.keep = request.keep;
  description.unix_modes = true;
  description.left_out = request.left_out;
  description.project_id = request.project_id;
  constexpr std::int64_t kSecond = 1'000'000'000;
  description.unix_time =
      static_cast<std::uint64_t>(std::max<std::int64_t>(request.unix_time_ns, 0) / kSecond);
  description.date = format_time(request.local_time, "%Y-%m-%d %H:%M:%S");
  description.chunks = chunks;
  description.left_out_backups = request.left_out_backups;
  return description;
}

// The archive's entries, in the order of the names. The description is the last one, where
// list_archives() looks for it.
std::vector<archive::EntryToWrite> entries_of(const ArchiveSource& source,
                                              const ArchiveRequest& request, std::uint64_t number) {
  std::vector<archive::EntryToWrite> entries;
  const auto add = [&](std::string name, std::uint32_t mode, ReadEntry read) {
    archive::EntryToWrite entry;
    entry.name = std::move(name);
    entry.modified_unix_seconds = request.unix_time_ns / kNanoseconds;
    entry.unix_mode = mode;
    entry.read = std::move(read);
    entries.push_back(std::move(entry));
  };
  const auto chunks = chunks_of(source, request);
  for (const std::string& chunk : chunks) {
    add(layout::archived_chunk(chunk), source.mode_of_chunk(chunk),
        [&source, &request, chunk] { return read_chunk(source, request, chunk); });
  }
  for (const std::string& chunk : source.backups()) {
    if (request.left_out_backups.contains(chunk)) continue;
    add(layout::archived_backup(chunk), source.mode_of_backup(chunk),
        [&source, chunk]() -> Result<std::string> {
          auto bytes = source.read_backup(chunk);
          return bytes ? std::move(bytes) : Result<std::string>(in_chunk(bytes.status(), chunk));
        });
  }
  add(layout::kCheckpointMeta, 0600,
      [text = describe(request, number, chunks.size()).to_text()]() -> Result<std::string> {
        return text;
      });
  return entries;
}

Status verify_archive(File& file, const TextSettings& settings) {
  auto info = file.stat();
  if (!info) return info.status();
  FileSource source(file, info->size);
  auto reader = archive::ZipReader::open(source, read_limits(settings));
  return reader ? reader->verify() : reader.status();
}

// The archive has its name, and a power cut might take the name away: such an archive is none.
// Returns the reason.
Status take_back(Directory& folder, const std::string& name, const Status& reason) {
  const Status removed = folder.unlink(name);
  if (removed.ok() || removed.code() == ErrorCode::not_found) return reason;
  Error error = reason.error();
  error.message += "; the archive " + name +
                   " is whole and stays, because it could not be removed, but a power cut may "
                   "remove it";
  return error;
}

// Under a temporary name; durable, and read back.
Result<TemporaryFile> write_archive(Directory& folder, const std::string& name,
                                    const ArchiveSource& source, std::uint64_t number,
                                    const ArchiveRequest& request, const TextSettings& settings,
                                    const ProgressHandler& progress) {
  auto temporary = TemporaryFile::create(
      folder,
      request.token == 0 ? layout::temporary_of(name) : layout::unfinished_archive(request.token),
      request.rights.mode_of_new_file(0666));
  if (!temporary) return temporary.status();
  auto made = temporary->file().stat();
  if (!made) return made.status();
  if (Status shared = request.rights.share(temporary->file(), *made); !shared) return shared;
  FileSink sink(temporary->file());
  archive::WriteOptions options;
  options.progress = progress;
  if (Status written = archive::write_zip(sink, entries_of(source, request, number), options);
      !written) {
    return written;
  }
  Status durable =
      temporary->make_durable([&](File& file) { return verify_archive(file, settings); });
  if (!durable) return durable;
  return temporary;
}

Status name_is_taken(const Directory& folder, const std::string& name) {
  Error error;
  error.code = ErrorCode::conflict;
  error.message = "something has this name already, and is not overwritten; choose another name";
  error.path = folder.path() + "/" + name;
  return error;
}

}  // namespace

ArchiveRequest archive_request(const CheckpointRequest& wanted, std::string project_id,
                               Clock& clock) {
  ArchiveRequest request;
  request.project_id = std::move(project_id);
  request.label = wanted.label;
  request.notes = wanted.notes;
  request.keep = wanted.keep;
  request.unix_time_ns = clock.unix_time_ns();
  request.local_time = clock.local_time(request.unix_time_ns);
  return request;
}

Result<std::string> write_checkpoint(Directory& checkpoints, const ArchiveSource& source,
                                     const ArchiveRequest& request, const TextSettings& settings,
                                     const ProgressHandler& progress) {
  auto archives = list_archives(checkpoints, Originals::skip);
  if (!archives) return archives.status();
  const std::string time = format_time(request.local_time, "%Y%m%d_%H%M%S");
  std::string name = free_file_name(*archives, request.label, time);
  auto temporary =
      write_archive(checkpoints, name, source, next_number(*archives), request, settings, progress);
  if (!temporary) return temporary.status();
  Status published = temporary->publish_new(name);
  // The owner, and others that only read, may make checkpoints at the same time.
  constexpr int kTries = 20;
  for (int i = 0; i < kTries && already_exists(published); ++i) {
    archives = list_archives(checkpoints, Originals::skip);
    if (!archives) return archives.status();
    name = free_file_name(*archives, request.label, time);
    published = temporary->publish_new(name);
  }
  if (!published) return published;
  if (Status status = checkpoints.sync(); !status) return take_back(checkpoints, name, status);
  return name;
}

Status write_export(Directory& folder, const std::string& name, const ArchiveSource& source,
                    const ArchiveRequest& request, const TextSettings& settings,
                    const ProgressHandler& progress) {
  if (Status free = check_free_name(folder, name); !free) return free;
  auto temporary = write_archive(folder, name, source, 0, request, settings, progress);
  if (!temporary) return temporary.status();
  // Once more, for file systems that cannot refuse to replace a file.
  if (Status free = check_free_name(folder, name); !free) return free;
  const Status published = temporary->publish_new(name);
  if (already_exists(published)) return name_is_taken(folder, name);
  if (!published) return published;
  if (Status status = folder.sync(); !status) return take_back(folder, name, status);
  return {};
}

Status check_free_name(Directory& folder, const std::string& name) {
  if (name.empty() || name == "." || name == "..") {
    return Status(ErrorCode::invalid_name, "the path of the archive ends without a file name");
  }
  const auto info = folder.stat(name);
  if (info) return name_is_taken(folder, name);
  return info.code() == ErrorCode::not_found ? Status() : info.status();
}

bool is_archive_path(std::string_view name) {
  return name.find('/') != std::string_view::npos;
}

Result<ArchivePlace> open_archive_folder(FileSystem& file_system, const std::string& path) {
  if (path.find('\0') != std::string::npos) {
    return Status(ErrorCode::invalid_name, "the path of the archive holds a NUL byte");
  }
  auto absolute = file_system.absolute_path(path);
  if (!absolute) return absolute.status();
  const std::size_t slash = absolute->rfind('/');
  ArchivePlace place;
  place.name = path.empty() ? std::string() : absolute->substr(slash + 1);
  auto folder = file_system.open_directory(slash == 0 ? "/" : absolute->substr(0, slash));
  if (!folder) return folder.status();
  place.opened = *std::move(folder);
  place.folder = place.opened.get();
  return place;
}

Result<ArchivePlace> find_archive(FileSystem& file_system, Directory* checkpoints,
                                  const std::string& name) {
  if (is_archive_path(name)) return open_archive_folder(file_system, name);
  if (checkpoints == nullptr) {
    return Status(ErrorCode::not_found, "the project has no checkpoints folder");
  }
  return ArchivePlace{checkpoints, name, nullptr};
}

// --- reading

Status check_checkpoint_name(std::string_view file_name) {
  if (layout::parse_any_checkpoint(file_name)) return {};
  return Status(ErrorCode::invalid_name,
                "not the name of a checkpoint (checkpoint_LABEL_YYYYMMDD_HHMMSS.zip)");
}

Status check_archive_name(std::string_view name) {
  return is_archive_path(name) ? Status() : check_checkpoint_name(name);
}

namespace {

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
  bool has_description = false;
  std::optional<std::uint64_t> stated;
  std::vector<std::optional<std::string>> chunks;
  for (const auto& entry : entries) {
    auto chunk = classify(entry.name);
    if (!chunk) return chunk.status();
    chunks.push_back(*std::move(chunk));
    if (entry.name != layout::kCheckpointMeta || entry.size > kDescriptionLimit) continue;
    const auto text = reader->read(chunks.size() - 1);
    const auto description = text ? Description::parse(*text) : std::nullopt;
    has_modes = description && description->unix_modes;
    has_description = description.has_value();
    if (description) stated = description->chunks;
  }
  const auto count = static_cast<std::uint64_t>(
      std::ranges::count_if(chunks, [](const auto& chunk) { return chunk.has_value(); }));
  if (stated ? *stated != count : count == 0 && !has_description) {
    return Status(ErrorCode::corrupt,
                  "the archive is not whole: it holds " + std::to_string(count) + " chunks" +
                      (stated ? ", and says that it has " + std::to_string(*stated)
                              : ", and no description of a checkpoint"));
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
