#include "storage/checkpoints/catalog.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "archive/zip_reader.h"
#include "storage/checkpoints/file_streams.h"

namespace safechunk {
namespace {

// An archive of this engine has its description at the end. One that somebody has packed anew, or
// the original engine has made, is searched whole, up to these limits.
archive::ReadLimits search_limits() {
  archive::ReadLimits limits;
  limits.max_entries = 100'000;
  limits.max_directory_bytes = 16ULL << 20U;
  return limits;
}

// The description, as it is written; nothing when there is none.
Result<std::optional<std::string>> read_text(archive::ByteSource& source,
                                             const archive::ReadLimits& limits) {
  const auto read = [](const archive::ZipReader& reader,
                       std::size_t index) -> Result<std::optional<std::string>> {
    if (reader.entries()[index].size > kDescriptionLimit) return std::optional<std::string>();
    auto text = reader.read(index);
    if (!text) return text.status();
    return std::optional(*std::move(text));
  };
  auto last = archive::ZipReader::open_last(source, layout::kCheckpointMeta);
  if (last) return read(*last, 0);
  auto whole = archive::ZipReader::open(source, limits);
  if (!whole) return whole.status();
  const auto& entries = whole->entries();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].name == layout::kCheckpointMeta) return read(*whole, i);
  }
  return std::optional<std::string>();
}

Result<Description> read_description(Directory& checkpoints, const std::string& file_name,
                                     const archive::ReadLimits& limits) {
  auto file = checkpoints.open(file_name, OpenMode::read);
  if (!file) return file.status();
  auto info = (*file)->stat();
  if (!info) return info.status();
  FileSource source(**file, info->size);
  auto text = read_text(source, limits);
  if (!text) return text.status();
  if (!*text) return Description();
  return Description::parse(**text).value_or(Description());
}

std::string date_of(const layout::CheckpointName& name) {
  const std::string& t = name.time;
  return t.substr(0, 4) + "-" + t.substr(4, 2) + "-" + t.substr(6, 2) + " " + t.substr(9, 2) + ":" +
         t.substr(11, 2) + ":" + t.substr(13, 2);
}

}  // namespace

archive::ReadLimits read_limits(const TextSettings& settings) {
  archive::ReadLimits limits;
  limits.max_entry_bytes = std::max(settings.size_limit, kDescriptionLimit);
  return limits;
}

bool is_newer(const KnownArchive& left, const KnownArchive& right) {
  if (left.description.number != right.description.number) {
    return left.description.number > right.description.number;
  }
  return right.name < left.name;
}

Result<std::vector<KnownArchive>> list_archives(Directory& checkpoints, Originals originals,
                                                const std::string& except) {
  auto files = checkpoints.list();
  if (!files) return files.status();
  std::vector<KnownArchive> archives;
  for (const std::string& file : *files) {
    auto name = originals == Originals::skip ? layout::parse_checkpoint(file)
                                             : layout::parse_any_checkpoint(file);
    if (!name || file == except) continue;
    auto info = checkpoints.stat(file);
    if (!info && info.code() != ErrorCode::not_found) return info.status();
    if (!info || info->type != FileType::regular) continue;
    KnownArchive archive;
    archive.file = file;
    archive.name = *std::move(name);
    archive.size = info->size;
    auto description = read_description(checkpoints, file, search_limits());
    if (!description && lacks_resources(description.status())) return description.status();
    archive.readable = description.ok();
    if (description) archive.description = *std::move(description);
    // The original engine may have left the label empty.
    if (archive.description.label == "" && layout::parse_original_checkpoint(file)) {
      archive.description.label.reset();
    }
    archives.push_back(std::move(archive));
  }
  std::sort(archives.begin(), archives.end(), is_newer);
  return archives;
}

std::uint64_t next_number(const std::vector<KnownArchive>& archives) {
  std::uint64_t largest = 0;
  for (const KnownArchive& archive : archives) {
    largest = std::max(largest, archive.description.number);
  }
  return std::min(largest + 1, kLargestNumber);
}

std::string free_file_name(const std::vector<KnownArchive>& archives, std::string_view label,
                           const std::string& time) {
  std::set<std::uint32_t> taken;
  for (const KnownArchive& archive : archives) {
    if (archive.name.time == time) taken.insert(archive.name.number);
  }
  layout::CheckpointName name{layout::label_in_name(label), time, 1};
  if (!taken.empty()) name.number = *taken.rbegin() + 1;
  // Somebody has used the last number up.
  if (name.number > layout::kMaxCheckpointNumber) {
    name.number = 1;
    while (taken.contains(name.number)) ++name.number;
  }
  return layout::checkpoint_file(name);
}

Result<std::vector<CheckpointInfo>> list_checkpoints(Directory& checkpoints) {
  auto archives = list_archives(checkpoints, Originals::include);
  if (!archives) return archives.status();
  std::vector<CheckpointInfo> list;
  for (const KnownArchive& archive : *archives) {
    CheckpointInfo info;
    info.file_name = archive.file;
    info.label = archive.label();
    info.date = date_of(archive.name);
    info.notes = archive.description.notes;
    info.size = archive.size;
    info.number = archive.description.number;
    info.keep = archive.description.keep;
    info.unix_time = static_cast<double>(archive.description.unix_time);
    list.push_back(std::move(info));
  }
  return list;
}

Result<std::set<std::string>> left_out_of(Directory& checkpoints, const std::string& file_name,
                                          const TextSettings& settings) {
  auto description = read_description(checkpoints, file_name, read_limits(settings));
  if (!description) return description.status();
  return std::move(description->left_out);
}

}  // namespace safechunk
