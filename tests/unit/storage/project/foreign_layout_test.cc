// Folders of the original engine's other versions, made as they are described: told apart, refused
// by name where they cannot be read, and never changed.

#include "storage/project/foreign_layout.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "engine/engine_bench.h"

namespace safechunk::test {
namespace {

using Files = std::map<std::string, std::string>;

void make(Machine& machine, const Files& files) {
  auto base = machine.files.open_directory("/").value();
  base->make_directory("project").throw_if_error();
  for (const auto& [path, bytes] : files) {
    std::string folder = "/project";
    std::size_t start = 0;
    for (std::size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', start)) {
      auto parent = machine.files.open_directory(folder).value();
      const std::string name = path.substr(start, slash - start);
      if (!parent->stat(name)) parent->make_directory(name).throw_if_error();
      folder += "/" + name;
      start = slash + 1;
    }
    if (start == path.size()) continue;
    const std::string inside =
        folder == "/project" ? "" : folder.substr(std::string("/project/").size());
    machine.write(inside, path.substr(start), bytes);
  }
}

std::string error_of(const Files& files) {
  Machine machine;
  make(machine, files);
  const auto before = machine.files.contents();
  auto engine = machine.engine();
  EngineOptions reading;
  reading.mode = Mode::read;
  reading.base_dir = "/";
  auto reader = EngineAccess::open("project", reading, machine.platform());
  EXPECT_EQ(engine.is_active(), reader.ok());
  if (engine.is_active()) return "";
  EXPECT_EQ(engine.status().code(), ErrorCode::unsupported_format) << engine.status().to_text();
  EXPECT_EQ(engine.fetch_chunk("users").code(), ErrorCode::unsupported_format);
  EXPECT_EQ(engine.list_chunks().code(), ErrorCode::unsupported_format);
  EXPECT_EQ(machine.files.contents(), before) << "nothing of it is touched";
  return engine.status().error().message;
}

// G19. Kills: opening such a folder as an empty project; each of the signs.
TEST(ForeignLayout, IsRefusedByItsVersion) {
  const auto names = [](const std::string& message, const char* version) {
    return message.find(std::string("version ") + version + " ") != std::string::npos;
  };
  EXPECT_TRUE(
      names(error_of({{"users.json", "{}"}, {"users.bak", "{}"}, {"checkpoints/", ""}}), "0"));
  EXPECT_TRUE(names(error_of({{"objects/ab/", ""},
                              {"manifest.json", "{}"},
                              {"version.json", R"({"engine_version": "2.1.0"})"}}),
                    "2.1"));
  EXPECT_TRUE(names(
      error_of(
          {{"chunks/users.json", "{}"}, {"objects/ab/", ""}, {"version.json", "{\"engine_ver"}}),
      "2.1"));
  EXPECT_TRUE(names(
      error_of({{"chunks/users.lcca", "LCCA"}, {"version.json", R"({"engine_version": "3.0.2"})"}}),
      "3.0"));
  EXPECT_TRUE(names(error_of({{"chunks/users.lcca", "{}"},
                              {"chunks/old.json", "{}"},
                              {"objects/ab/", ""},
                              {"version.json", "torn"}}),
                    "3.0"));
  EXPECT_TRUE(names(
      error_of({{"chunks/", ""}, {"checkpoints/manual/", ""}, {"version.json", "{}"}}), "3.0"));
}

// Kills: refusing what this engine reads, and folders of anybody.
TEST(ForeignLayout, WhatCanBeReadIsOpened) {
  EXPECT_EQ(error_of({{"chunks/users.json", "{}"}, {"chunks_bak/users.bak", "{}"}}), "");
  EXPECT_EQ(
      error_of({{"chunks/users.json", "{}"}, {"version.json", R"({"engine_version": "1.3.5"})"}}),
      "");
  EXPECT_EQ(error_of({{"chunks/users.json", "{}"},
                      {"chunks_bak/users.ebak", ""},
                      {"version.json", R"({"engine_version": "1.5.0"})"}}),
            "");
}

TEST(ForeignLayout, JsonFilesAloneAreNoProject) {
  Machine machine;
  make(machine, {{"package.json", "{}"}});
  EXPECT_TRUE(machine.engine().is_active());
}

}  // namespace
}  // namespace safechunk::test
