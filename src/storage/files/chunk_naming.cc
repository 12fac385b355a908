#include "storage/files/chunk_naming.h"

#include "base/chunk_name.h"
#include "storage/files/project_layout.h"

namespace safechunk {

ChunkNaming ChunkNaming::only(std::string file) {
  ChunkNaming naming;
  if (auto chunk = layout::chunk_of_file(file)) {
    naming.chunk_ = *std::move(chunk);
  } else {
    naming.chunk_ = check_name(file, "").ok() ? file : "file";
  }
  naming.file_ = std::move(file);
  return naming;
}

Status ChunkNaming::check(std::string_view chunk) const {
  if (Status status = check_name(chunk, "chunk name"); !status) return status;
  if (file_.empty() || chunk == chunk_) return {};
  return Status(ErrorCode::invalid_name, "the only chunk of this file is '" + chunk_ + "'");
}

Status ChunkNaming::check_log(std::string_view log) const {
  if (Status status = check_name(log, "log name"); !status) return status;
  if (file_.empty()) return {};
  return Status(ErrorCode::invalid_name,
                "a single file has no logs; open its folder, or a project");
}

std::string ChunkNaming::file_of(std::string_view chunk) const {
  return file_.empty() ? layout::chunk_file(chunk) : file_;
}

std::string ChunkNaming::temporary_of(std::string_view chunk) const {
  return layout::temporary_of(file_.empty() ? chunk : file_);
}

std::string ChunkNaming::displaced_of(std::string_view chunk) const {
  return layout::displaced_file(file_.empty() ? chunk : file_);
}

std::optional<std::string> ChunkNaming::chunk_of(std::string_view file) const {
  if (file_.empty()) return layout::chunk_of_file(file);
  return file == file_ ? std::optional(chunk_) : std::nullopt;
}

std::optional<std::string> ChunkNaming::chunk_of_displaced(std::string_view file) const {
  if (file_.empty()) return layout::chunk_of_displaced(file);
  return file == displaced_of(chunk_) ? std::optional(chunk_) : std::nullopt;
}

bool ChunkNaming::is_own_temporary(std::string_view file) const {
  if (file_.empty()) return layout::is_own_temporary(file);
  return file == temporary_of(chunk_) || file == displaced_of(chunk_);
}

std::optional<std::string> ChunkNaming::log_of(std::string_view file) const {
  return file_.empty() ? layout::log_of_file(file) : std::nullopt;
}

Status ChunkNaming::refused_file(std::string_view file) const {
  return file_.empty() ? layout::refused_chunk_file(file) : Status();
}

}  // namespace safechunk
