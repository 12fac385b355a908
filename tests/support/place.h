// The place that the tests of this run open: SAFECHUNK_TEST_PLACE is project (when it is unset),
// in_place or file. CMake registers families of tests again for each, so tests name paths as they
// are in a project's own folder ("project/chunks/a.json"), and this says where they lie.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include <safechunk/options.hpp>

namespace safechunk::test {

inline PlaceKind place_from_environment() {
  const char* text = std::getenv("SAFECHUNK_TEST_PLACE");
  const std::string_view name = text == nullptr ? "project" : text;
  if (name == "project") return PlaceKind::project;
  if (name == "in_place") return PlaceKind::in_place;
  if (name == "file") return PlaceKind::file;
  throw std::invalid_argument("SAFECHUNK_TEST_PLACE is '" + std::string(name) + "'");
}

inline PlaceKind place() {
  static const PlaceKind kPlace = place_from_environment();
  return kPlace;
}
inline bool is_project() {
  return place() == PlaceKind::project;
}
inline bool has_one_chunk() {
  return place() == PlaceKind::file;
}

inline constexpr std::string_view kProject = "project";
// Of the place that is one file.
inline constexpr std::string_view kOnlyChunk = "a";

// What an engine is constructed with, together with place().
inline std::string project_id() {
  return has_one_chunk() ? "project/" + std::string(kOnlyChunk) + ".json" : std::string(kProject);
}
inline EngineOptions in_this_place(EngineOptions options) {
  options.place = place();
  return options;
}
// `chunk`, or the only one that there may be.
inline std::string chunk_here(std::string_view chunk) {
  return std::string(has_one_chunk() ? kOnlyChunk : chunk);
}
inline bool may_be_here(std::string_view chunk) {
  return chunk == chunk_here(chunk);
}

// --- paths

inline constexpr std::string_view kChunksFolder = "chunks";

inline std::string side_folder() {
  return has_one_chunk() ? "." + std::string(kOnlyChunk) + ".json.safechunk" : ".safechunk";
}

// `path` up to the name of the project, and what follows that: empty, or with a slash before it.
struct SplitPath {
  std::string head;
  std::string tail;
  bool inside = false;
};

inline SplitPath split_at_project(std::string_view path) {
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (path.substr(begin, end - begin) == kProject) {
      return {std::string(path.substr(0, end)), std::string(path.substr(end)), true};
    }
    begin = end + 1;
  }
  return {std::string(path), "", false};
}

// Whether `path` is `folder`, or in it; then `path` becomes what follows.
inline bool take_folder(std::string& path, const std::string& folder) {
  if (!path.starts_with(folder)) return false;
  if (path.size() > folder.size() && path[folder.size()] != '/') return false;
  path.erase(0, folder.size());
  return true;
}

// Where something lies that a project's own folder has at `path`; other paths are as they are.
inline std::string lies_at(std::string_view path) {
  SplitPath split = split_at_project(path);
  if (is_project() || !split.inside) return std::string(path);
  if (take_folder(split.tail, "/" + std::string(kChunksFolder))) return split.head + split.tail;
  return split.head + "/" + side_folder() + split.tail;
}

// The other way round.
inline std::string as_in_a_project(std::string_view path) {
  SplitPath split = split_at_project(path);
  if (is_project() || !split.inside) return std::string(path);
  if (take_folder(split.tail, "/" + side_folder())) return split.head + split.tail;
  return split.head + "/" + std::string(kChunksFolder) + split.tail;
}

// The folder that must be there before anybody can open the place.
inline void make_folder_of_place(const std::filesystem::path& base) {
  if (!is_project()) std::filesystem::create_directory(base / kProject);
}

// --- tests that mean nothing in a place: why; nullptr where they mean something

inline const char* no_several_chunks() {
  return has_one_chunk() ? "this place has one chunk" : nullptr;
}
inline const char* no_logs() {
  return has_one_chunk() ? "a single file has no logs" : nullptr;
}
// Of tests of the folder itself: who makes, renames or deletes it, chunks/, and what is found
// there.
inline const char* no_own_folder() {
  return is_project() ? nullptr : "here the folder of the chunks is not the engine's own";
}
// Of tests of the layout that the engine gives a text.
inline const char* no_own_layout() {
  return is_project() ? nullptr : "in this place a file keeps its layout";
}

}  // namespace safechunk::test
