// JSON files of real programs, as packages have installed them on this machine.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include <safechunk/safechunk.hpp>

#include "json/pointer.h"
#include "support/temporary_folder.h"

namespace safechunk::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kMostFiles = 1000;
constexpr std::size_t kFewestFiles = 50;
constexpr std::uintmax_t kMostBytes = 256 << 10;

std::vector<fs::path> json_files() {
  std::vector<fs::path> files;
  for (const char* root : {"/usr/share", "/usr/lib", "/usr/local", "/opt"}) {
    std::error_code error;
    fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
      std::error_code ignored;
      const bool fits = at->path().extension() == ".json" && at->is_regular_file(ignored) &&
                        !at->is_symlink(ignored) && at->file_size(ignored) <= kMostBytes;
      if (fits) files.push_back(at->path());
    }
  }
  std::sort(files.begin(), files.end());
  if (files.size() <= kMostFiles) return files;
  std::vector<fs::path> chosen;
  for (std::size_t i = 0; i < kMostFiles; ++i) {
    chosen.push_back(files[i * files.size() / kMostFiles]);
  }
  return chosen;
}

// In memory, where the system has a file system for that: the test is about bytes.
class Folder {
 public:
  Folder() {
    std::string pattern = fs::exists("/dev/shm")
                              ? "/dev/shm/safechunk-XXXXXX"
                              : (fs::temp_directory_path() / "sc-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

Status edit(const std::string& path, const FileEdit& edit, Dialect dialect) {
  FileEditOptions options;
  options.dialect = dialect;
  return edit_file(path, std::span(&edit, 1), options).status();
}

std::size_t common_bytes(const std::string& a, const std::string& b) {
  const std::size_t most = std::min(a.size(), b.size());
  std::size_t start = 0;
  while (start < most && a[start] == b[start]) ++start;
  std::size_t end = 0;
  while (end < most - start && a[a.size() - 1 - end] == b[b.size() - 1 - end]) ++end;
  return start + end;
}

// One file in both dialects. False when it has no value that a pointer names.
bool try_file(const Folder& folder, const std::string& text, std::minstd_rand& random) {
  const Json flat = Json::parse(text, nullptr, false).flatten();
  if (!flat.is_object() || flat.empty()) return false;
  const std::string pointer =
      std::next(flat.begin(), static_cast<std::ptrdiff_t>(random() % flat.size())).key();
  const auto parsed = json::Pointer::parse(pointer);
  const auto value = json::value_at(text, *parsed);
  if (!parsed || parsed->tokens().empty() || !value) return false;  // a name that is there twice
  const auto offset = static_cast<std::size_t>(value->data() - text.data());
  const std::string wanted = "\"new // value, /* " + std::to_string(random()) + "\"";
  const std::string expected =
      text.substr(0, offset) + wanted + text.substr(offset + value->size());
  std::string removed;
  for (const Dialect dialect : {Dialect::json, Dialect::jsonc}) {
    const std::string path = folder.file("settings.json");
    write_file(path, text);
    EXPECT_TRUE(edit(path, FileEdit::set(pointer, wanted), dialect).ok()) << pointer;
    EXPECT_EQ(read_file(path), expected) << pointer;
    // Removed, and set again.
    write_file(path, text);
    EXPECT_TRUE(edit(path, FileEdit::unset(pointer), dialect).ok()) << pointer;
    const std::string without = read_file(path);
    EXPECT_GE(common_bytes(text, without), without.size()) << pointer << ": more than one place";
    if (dialect == Dialect::json) removed = without;
    EXPECT_EQ(without, removed) << pointer << ": the dialects differ";
    const Json original = Json::parse(text);
    const bool in_object = original.at(Json::json_pointer(pointer).parent_pointer()).is_object();
    if (!in_object) continue;
    EXPECT_TRUE(edit(path, FileEdit::set(pointer, std::string(*value)), dialect).ok()) << pointer;
    EXPECT_EQ(Json::parse(read_file(path)), original) << pointer;
  }
  return true;
}

// Kills any change of a byte outside of the value, in layouts that nobody has thought of.
TEST(RealJsonFiles, OnlyTheValueChanges) {
  const Folder folder;
  std::minstd_rand random(1);
  std::size_t edited = 0;
  std::size_t refused = 0;
  const std::vector<fs::path> files = json_files();
  for (const fs::path& file : files) {
    const std::string text = read_file(file);
    const std::string path = folder.file("settings.json");
    write_file(path, text);
    const auto found = read_json_file(path);
    if (found.code() == ErrorCode::invalid_json) {
      EXPECT_EQ(edit(path, FileEdit::set("/a", "1"), Dialect::json).code(),
                ErrorCode::invalid_json);
      EXPECT_EQ(read_file(path), text) << file;
      ++refused;
      continue;
    }
    ASSERT_TRUE(found.ok()) << file << ": " << found.status().to_text();
    if (try_file(folder, text, random)) ++edited;
    if (testing::Test::HasFailure()) FAIL() << file;
  }
  std::printf("%zu files were edited, and %zu that are no JSON refused\n", edited, refused);
  EXPECT_GE(edited, kFewestFiles) << "of " << files.size();
}

}  // namespace
}  // namespace safechunk::test
