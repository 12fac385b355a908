#include "unit/json/corpus.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace safechunk::json {

std::vector<std::string> corpus_texts() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(SAFECHUNK_JSON_CORPUS)) {
    if (entry.path().extension() == ".json") paths.push_back(entry.path());
  }
  EXPECT_FALSE(paths.empty()) << SAFECHUNK_JSON_CORPUS;
  std::ranges::sort(paths);
  std::vector<std::string> texts;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return texts;
}

}  // namespace safechunk::json
