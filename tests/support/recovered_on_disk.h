// The same on a real file system that came back after a power cut: the files as they lie, a
// recovery, and a second one.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>

#include "support/place.h"
#include "support/recovered.h"
#include "support/temporary_folder.h"
#include "support/workload.h"

namespace safechunk::test {

// The project is in the folder `base`. Returns what was found.
inline ProjectState check_project_on_disk(const std::string& base, const History& history,
                                          Durability durability, const std::string& where) {
  namespace fs = std::filesystem;
  const Complain complain = [&](const std::string& what) {
    ADD_FAILURE() << where << ": " << what;
  };
  for (const char* folder : {"project/chunks", "project/chunks_bak"}) {
    const fs::path path = fs::path(base) / lies_at(folder);
    if (!fs::exists(path)) continue;
    for (const auto& entry : fs::directory_iterator(path)) {
      check_file(folder + ("/" + entry.path().filename().string()), read_file(entry.path()),
                 history, complain);
    }
  }
  ManualClock clock;
  FakeProcess process(4243, 100);
  const Platform platform{system_file_system(), clock, process};
  ProjectState found;
  {
    auto engine =
        EngineAccess::construct(project_id(), crash_test_options(durability, base), platform);
    if (!engine.is_active()) {
      complain("attach failed: " + engine.status().to_text());
      return found;
    }
    found = read_all(engine, complain);
    EXPECT_TRUE(engine.verify().value().sound()) << where;
    std::set<std::string> archives;
    for (const auto& entry :
         fs::directory_iterator(fs::path(base) / lies_at("project/checkpoints"))) {
      archives.insert(entry.path().filename().string());
    }
    check_checkpoints(engine, archives, history, complain);
  }
  check_state(found, history, true, complain);
  auto again =
      EngineAccess::construct(project_id(), crash_test_options(durability, base), platform);
  EXPECT_EQ(read_all(again, complain), found) << where << ", opened again";
  check_nothing_was_done(again, true, complain);
  return found;
}

}  // namespace safechunk::test
