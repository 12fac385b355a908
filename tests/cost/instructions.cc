// What callgrind counts the instructions of: instructions OPERATION COUNT runs one operation so
// often on a document of 100 KB. Run by instructions_test.py.

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>

#include <safechunk/safechunk.hpp>

#include "json/format.h"
#include "json/scan.h"
#include "support/temporary_folder.h"

namespace {

using safechunk::SafeChunkEngine;
using safechunk::Status;

// Of user records: words, numbers, escapes, and letters beyond ASCII.
std::string document(int revision) {
  std::string text = "{\"revision\":" + std::to_string(1'000'000 + revision) + ",\"users\":[";
  for (int i = 0; text.size() < 100'000; ++i) {
    const std::string id = std::to_string(i);
    text += std::string(i == 0 ? "" : ",") + "{\"id\":" + id +
            ",\"name\":\"Åsa Łukasz\",\"email\":\"user" + id +
            "@example.org\",\"active\":true,\"balance\":" + id +
            ".25,\"languages\":[\"fao\",\"nob\",\"epo\"],\"note\":\"said \\\"yes\\\"\"}";
  }
  return text + "]}";
}

void must(const Status& status) {
  status.throw_if_error();
}

int run(const std::string& operation, int count) {
  const safechunk::test::TemporaryFolder folder;
  safechunk::EngineOptions options;
  options.base_dir = folder.string();
  options.debounce_delay = options.max_delay = std::chrono::hours(1);
  auto engine = SafeChunkEngine::open("project", options).value();
  must(engine.stage_update(document(0), "a"));
  must(engine.force_sync());
  std::string text = document(1);
  std::string out;
  int revision = 0;
  const std::map<std::string, std::function<void()>> operations = {
      {"scan",
       [&] {
         out.clear();
         must(safechunk::json::compact(text, {}, out));
       }},
      {"format", [&] { out = safechunk::json::format(text, 4); }},
      {"stage",
       [&] {
         text.replace(12, 7, std::to_string(1'000'001 + ++revision));
         must(engine.stage_update(std::string_view(text), "a"));
       }},
      {"fetch", [&] { must(engine.fetch_chunk("a").status()); }},
  };
  const auto found = operations.find(operation);
  if (found == operations.end()) return 2;
  for (int i = 0; i < count; ++i) found->second();
  must(engine.detach());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  return run(argv[1], std::atoi(argv[2]));
}
