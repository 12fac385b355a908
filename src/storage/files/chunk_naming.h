// How the files of chunks are called in the folder where they lie.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <safechunk/status.hpp>

namespace safechunk {

class ChunkNaming {
 public:
  // NAME.json is the file of the chunk NAME.
  ChunkNaming() = default;
  // `file` is the file of the only chunk, and the project has no logs. No other file of its folder
  // belongs to the project.
  static ChunkNaming only(std::string file);

  // The name of the only chunk; empty where there may be many. It is that of the file without
  // ".json", the file's whole name with any other ending, and "file" where no chunk can be called
  // so.
  [[nodiscard]] const std::string& only_chunk() const { return chunk_; }
  [[nodiscard]] const std::string& only_file() const { return file_; }

  // ok when there can be a chunk (a log) of that name here, else invalid_name.
  [[nodiscard]] Status check(std::string_view chunk) const;
  [[nodiscard]] Status check_log(std::string_view log) const;

  // Of a chunk that check() allows.
  [[nodiscard]] std::string file_of(std::string_view chunk) const;
  // See project_layout.h. Files of different places in one folder have different names.
  [[nodiscard]] std::string temporary_of(std::string_view chunk) const;
  [[nodiscard]] std::string displaced_of(std::string_view chunk) const;

  // The chunk whose file, or whose displaced file, this is.
  [[nodiscard]] std::optional<std::string> chunk_of(std::string_view file) const;
  [[nodiscard]] std::optional<std::string> chunk_of_displaced(std::string_view file) const;
  [[nodiscard]] bool is_own_temporary(std::string_view file) const;
  // The log whose file this is.
  [[nodiscard]] std::optional<std::string> log_of(std::string_view file) const;
  // Why a file that looks like one of a chunk is none; ok for all others.
  [[nodiscard]] Status refused_file(std::string_view file) const;

 private:
  std::string file_;   // empty: there may be many
  std::string chunk_;  // the one in it
};

}  // namespace safechunk
