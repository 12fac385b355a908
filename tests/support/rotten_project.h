// A project's files in memory, to be damaged and put on disk again and again.
#pragma once

#include <sys/stat.h>
#include <sys/xattr.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <system_error>

#include "support/place.h"
#include "support/temporary_folder.h"

namespace safechunk::test {

struct StoredFile {
  std::string bytes;
  std::optional<std::string> stamp;
  timespec modified{};
};

inline constexpr const char* kStampAttribute = "user.safechunk";

inline void require_call(bool succeeded, const std::filesystem::path& path) {
  if (!succeeded) throw std::system_error(errno, std::generic_category(), path.string());
}

// Every file of a project: path inside its own folder -> what it is. See place.h.
using StoredProject = std::map<std::string, StoredFile>;

inline StoredProject load_project(const std::filesystem::path& base) {
  namespace fs = std::filesystem;
  StoredProject files;
  for (const auto& entry : fs::recursive_directory_iterator(base / kProject)) {
    if (!entry.is_regular_file()) continue;
    StoredFile file{read_file(entry.path()), std::nullopt, {}};
    std::array<char, 256> value{};
    const ssize_t size =
        ::getxattr(entry.path().c_str(), kStampAttribute, value.data(), value.size());
    if (size >= 0) file.stamp = std::string(value.data(), static_cast<std::size_t>(size));
    struct stat info {};
    require_call(::stat(entry.path().c_str(), &info) == 0, entry.path());
    file.modified = info.st_mtim;
    const std::string path = as_in_a_project(fs::relative(entry.path(), base).string());
    files[path.substr(kProject.size() + 1)] = file;
  }
  return files;
}

// Replaces whatever is there. Times are kept, as by a disk that rots.
inline void store_project(const StoredProject& files, const std::filesystem::path& base) {
  namespace fs = std::filesystem;
  const auto path_of = [&](const std::string& name) { return base / lies_at("project/" + name); };
  fs::remove_all(base / kProject);
  for (const char* folder : {"chunks", "chunks_bak", "checkpoints"}) {
    fs::create_directories(path_of(folder));
  }
  for (const auto& [name, file] : files) {
    const fs::path path = path_of(name);
    write_file(path, file.bytes);
    if (file.stamp) {
      require_call(
          ::setxattr(path.c_str(), kStampAttribute, file.stamp->data(), file.stamp->size(), 0) == 0,
          path);
    }
    const timespec times[2] = {file.modified, file.modified};
    require_call(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0, path);
  }
}

// SAFECHUNK_ROT_STRIDE: every how many places are damaged; 1 are all.
inline std::size_t rot_stride() {
  const char* text = std::getenv("SAFECHUNK_ROT_STRIDE");
  const std::size_t stride = text == nullptr ? 17 : std::strtoull(text, nullptr, 10);
  return stride == 0 ? 1 : stride;
}

// Each byte with all bits flipped, with one, as 0 and as 0xFF; each truncation; each sector zeroed.
// `try_it` gets what was done and the bytes that this leaves; it returns false to end.
inline void for_each_damage(
    const std::string& bytes,
    const std::function<bool(const std::string& what, const std::string& damaged)>& try_it) {
  const std::size_t stride = rot_stride();
  static constexpr std::size_t kSector = 512;
  static std::size_t turn = 0;  // other places for each file and kind
  const auto places = [&](const std::string& what, std::size_t step, const auto& damage) {
    for (std::size_t place = step == 1 ? turn++ % stride : 0; place < bytes.size();
         place += step == 1 ? stride : step) {
      std::string damaged = bytes;
      damage(damaged, place);
      if (damaged == bytes) continue;
      if (!try_it(what + " at " + std::to_string(place), damaged)) return false;
    }
    return true;
  };
  const auto set = [](std::string& text, std::size_t place, int value) {
    text[place] = static_cast<char>(value);
  };
  (void)(places("all bits flipped", 1,
                [&](std::string& text, std::size_t i) { set(text, i, ~text[i]); }) &&
         places(
             "a bit flipped", 1,
             [&](std::string& text, std::size_t i) { set(text, i, text[i] ^ (1 << (i % 8))); }) &&
         places("zeroed", 1, [&](std::string& text, std::size_t i) { set(text, i, 0); }) &&
         places("set", 1, [&](std::string& text, std::size_t i) { set(text, i, 0xFF); }) &&
         places("cut", 1, [](std::string& text, std::size_t i) { text.resize(i); }) &&
         places("sector zeroed", kSector, [](std::string& text, std::size_t i) {
           text.replace(i, std::min(kSector, text.size() - i), std::min(kSector, text.size() - i),
                        '\0');
         }));
}

}  // namespace safechunk::test
