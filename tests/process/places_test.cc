// Files that stay where the application has them: in a folder, or one alone. Kills: another layout
// or order after a save; a link that is replaced; a file of another program that is touched; a
// trace that stays; two places with one file at a time; a read of the wrong file.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <safechunk/maintenance.hpp>

#include "support/child_process.h"
#include "support/small_project.h"

namespace safechunk::test {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = "\xEF\xBB\xBF";

class Places : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }
  SafeChunkEngine open_file(const std::string& name, EngineOptions options = {}) const {
    auto engine = SafeChunkEngine::open_file(path(name), std::move(options));
    EXPECT_TRUE(engine.ok()) << engine.status().to_text();
    return *std::move(engine);
  }
  SafeChunkEngine in_place(EngineOptions options = {}) const {
    auto engine = SafeChunkEngine::in_place(folder_.string(), std::move(options));
    EXPECT_TRUE(engine.ok()) << engine.status().to_text();
    return *std::move(engine);
  }
  [[nodiscard]] std::set<std::string> names(const std::string& below = {}) const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_.path() / below)) {
      found.insert(entry.path().filename().string());
    }
    return found;
  }
  static void save(SafeChunkEngine& engine, const std::string& text, const std::string& chunk) {
    const Status staged = engine.stage_update(text, chunk);
    ASSERT_TRUE(staged.ok()) << staged.to_text();
    const Status synced = engine.force_sync();
    ASSERT_TRUE(synced.ok()) << synced.to_text();
  }
  static std::set<std::string> attributes_of(const std::string& file) {
    std::string all(4096, '\0');
    const auto size = ::listxattr(file.c_str(), all.data(), all.size());
    std::set<std::string> found;
    for (std::size_t at = 0; size > 0 && at < static_cast<std::size_t>(size);) {
      found.insert(all.c_str() + at);
      at += found.rbegin()->size() + 1;
      if (all[at] == '\0') break;
    }
    return found;
  }

  TemporaryFolder folder_;
};

// --- layout

struct Layouts {
  const char* name;
  std::string before;
  std::string update;
  std::string after;
};

class PlaceLayout : public Places, public testing::WithParamInterface<Layouts> {};

INSTANTIATE_TEST_SUITE_P(
    All, PlaceLayout,
    testing::Values(
        Layouts{"TwoBlanks", "{\n  \"b\": 1,\n  \"a\": [1, 2]\n}\n",
                R"({"a":[1,2],"b":3,"c":true})",
                "{\n  \"b\": 3,\n  \"a\": [1, 2],\n  \"c\": true\n}\n"},
        Layouts{"Tabs", "{\n\t\"b\": 1,\n\t\"a\": 2\n}", R"({"a":{"x":1},"b":1})",
                "{\n\t\"b\": 1,\n\t\"a\": {\n\t\t\"x\": 1\n\t}\n}"},
        Layouts{"OneLine", R"({"b": 1, "a": 2})", R"({"a":5,"b":1})", R"({"b": 1, "a": 5})"},
        Layouts{"Compact", R"({"b":1,"a":2})", R"({"a":5,"b":1})", R"({"b":1,"a":5})"},
        Layouts{"MarkAndCrLf", std::string(kMark) + "{\r\n  \"a\": 1\r\n}\r\n", R"({"a":1,"b":2})",
                std::string(kMark) + "{\r\n  \"a\": 1,\r\n  \"b\": 2\r\n}\r\n"},
        Layouts{"Removed", "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}\n", R"({"c":3,"a":1})",
                "{\n  \"a\": 1,\n  \"c\": 3\n}\n"},
        Layouts{"Escapes", "{\n \"a\": \"\\u00e9\",\n \"n\": 1.10\n}\n",
                "{\"n\":1.10,\"a\":\"é\",\"z\":0}",
                "{\n \"a\": \"\\u00e9\",\n \"n\": 1.10,\n \"z\": 0\n}\n"},
        Layouts{
            "Lists", "[\n  {\"id\": 1, \"x\": 0},\n  {\"id\": 2, \"x\": 0}\n]\n",
            R"([{"id":1,"x":0},{"id":2,"x":7},{"id":3,"x":0}])",
            "[\n  {\"id\": 1, \"x\": 0},\n  {\"id\": 2, \"x\": 7},\n  {\"id\": 3, \"x\": 0}\n]\n"}),
    [](const auto& named) { return named.param.name; });

TEST_P(PlaceLayout, AWholeUpdateChangesNoOtherByte) {
  const Layouts& layout = GetParam();
  for (const bool alone : {true, false}) {
    write_file(path("settings.json"), layout.before);
    auto engine = alone ? open_file("settings.json") : in_place();
    ASSERT_TRUE(engine.stage_update(layout.update, "settings").ok());
    // What is read before the save is what the file will have, but for a mark.
    const std::string staged = engine.fetch_chunk("settings").value();
    ASSERT_TRUE(engine.force_sync().ok());
    EXPECT_EQ(read_file(path("settings.json")), layout.after);
    EXPECT_EQ(engine.fetch_chunk("settings").value(), staged);
    ASSERT_TRUE(engine.detach().ok());
    const auto kind = alone ? PlaceKind::file : PlaceKind::in_place;
    const Status released = release_place(alone ? path("settings.json") : folder_.string(), kind);
    ASSERT_TRUE(released.ok()) << released.to_text();
    EXPECT_EQ(read_file(path("settings.json")), layout.after);
  }
}

// The journal has the laid-out text: also what a dead owner had staged keeps the layout.
TEST_P(PlaceLayout, AReplayKeepsIt) {
  const Layouts& layout = GetParam();
  write_file(path("settings.json"), layout.before);
  Child child([&] {
    EngineOptions options;
    options.debounce_delay = std::chrono::hours(1);
    options.max_delay = std::chrono::hours(1);
    auto engine = SafeChunkEngine::open_file(path("settings.json"), options);
    require_ok(engine.status(), "open");
    require_ok(engine->stage_update(layout.update, "settings"), "stage");
    ::kill(::getpid(), SIGKILL);
  });
  ASSERT_EQ(child.wait(), kKilled);
  EXPECT_EQ(read_file(path("settings.json")), layout.before);
  auto engine = open_file("settings.json");
  EXPECT_EQ(read_file(path("settings.json")), layout.after);
  EXPECT_FALSE(engine.recovery_report().clean);
}

TEST_F(Places, ANewFileHasTheUsualLayout) {
  {
    auto engine = open_file("new.json");
    EXPECT_EQ(engine.file_chunk(), "new");
    EXPECT_EQ(engine.project_path(), path("new.json"));
    EXPECT_FALSE(engine.find_chunk("new").value().has_value());
    save(engine, R"({"a":1})", "new");
  }
  EXPECT_EQ(read_file(path("new.json")), "{\n    \"a\": 1\n}\n");
  EXPECT_EQ(names(), (std::set<std::string>{"new.json", ".new.json.safechunk"}));
}

// --- names

TEST_F(Places, AnyEndingIsAllowed) {
  const std::vector<std::pair<std::string, std::string>> kFiles = {{"settings", "settings"},
                                                                   {"a.conf", "a.conf"},
                                                                   {".prettierrc", ".prettierrc"},
                                                                   {"b.json", "b"},
                                                                   {"a b.json", "a b"},
                                                                   {"c.", "file"},
                                                                   {"con.json", "con.json"},
                                                                   {"x:y.json", "file"},
                                                                   {"ü.json", "ü"},
                                                                   {"new\nline.json", "file"},
                                                                   {"a.json.bak", "a.json.bak"}};
  for (const auto& [file, chunk] : kFiles) {
    write_file(path(file), "{\"a\":1}");
    auto engine = open_file(file);
    const std::string expected = file == "con.json" ? "file" : chunk;
    EXPECT_EQ(engine.file_chunk(), expected) << file;
    save(engine, "{\"a\":2}", expected);
    EXPECT_EQ(read_file(path(file)), "{\"a\":2}") << file;
  }
  // Each next to the others, none of which was taken for a part of it.
  for (const auto& [file, chunk] : kFiles) EXPECT_EQ(read_file(path(file)), "{\"a\":2}") << file;
}

TEST_F(Places, AFileHasOneChunk) {
  write_file(path("a.json"), "{\"secret\":1}");
  write_file(path("b.json"), "{}");
  auto engine = open_file("a.json");
  EXPECT_EQ(engine.fetch_chunk("b").status().code(), ErrorCode::invalid_name);
  EXPECT_EQ(engine.stage_update("[1]", "b").code(), ErrorCode::invalid_name);
  EXPECT_EQ(engine.remove_chunk("b").code(), ErrorCode::invalid_name);
  EXPECT_EQ(engine.stage_value("b", "/x", "1").code(), ErrorCode::invalid_name);
  auto transaction = engine.transaction();
  ASSERT_TRUE(transaction.remove("b").ok());
  EXPECT_EQ(transaction.commit().code(), ErrorCode::invalid_name);
  EXPECT_EQ(engine.log("l").append("1").status().code(), ErrorCode::invalid_name);
  EXPECT_EQ(engine.list_chunks().value(), std::vector<std::string>{"a"});
  EXPECT_EQ(read_file(path("b.json")), "{}");
}

// --- other files

TEST_F(Places, OtherFilesOfTheFolderAreNotTouched) {
  fs::create_directories(folder_ / "node_modules/x");
  const std::vector<std::string> kOthers = {
      "notes.txt", "a.json.tmp", "draft.tmp",   "a.5afec40c.tmp", ".lock",
      ".journal",  "a.bak",      ".a.json.swp", "b.jsonc",        "node_modules/x/package.json"};
  for (const std::string& name : kOthers) write_file(path(name), "of others: " + name);
  for (int i = 0; i < 300; ++i)
    write_file(path("c" + std::to_string(i) + ".json"), "[" + std::to_string(i) + "]");
  write_file(path("a.json"), "{}");
  {
    auto engine = in_place();
    EXPECT_EQ(engine.list_chunks()->size(), 301U);
    save(engine, "{\"a\":1}", "a");
    ASSERT_TRUE(engine.create_checkpoint().ok());
  }
  {
    // A neighbour that is another place has temporary files of its own.
    auto alone = SafeChunkEngine::open_file(path("a.json"));
    EXPECT_EQ(alone.status().code(), ErrorCode::conflict) << alone.status().to_text();
  }
  for (const std::string& name : kOthers) EXPECT_EQ(read_file(path(name)), "of others: " + name);
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(read_file(path("c" + std::to_string(i) + ".json")), "[" + std::to_string(i) + "]");
  }
}

TEST_F(Places, LinksAreFollowed) {
  fs::create_directories(folder_ / "dotfiles");
  fs::create_directories(folder_ / "home");
  write_file(path("dotfiles/s.json"), "{\"a\": 1}\n");
  fs::create_symlink("../dotfiles/s.json", path("home/s.json"));
  fs::create_directory_symlink("dotfiles", path("link"));
  {
    auto engine = open_file("home/s.json");
    save(engine, "{\"a\":2}", "s");
    auto again = SafeChunkEngine::open_file(path("link/s.json"));
    EXPECT_EQ(again.status().code(), ErrorCode::locked);
  }
  EXPECT_TRUE(fs::is_symlink(path("home/s.json")));
  EXPECT_EQ(read_file(path("dotfiles/s.json")), "{\"a\": 2}\n");
  EXPECT_EQ(names("home"), std::set<std::string>{"s.json"});
  ASSERT_TRUE(release_place(path("home/s.json"), PlaceKind::file).ok());
  auto folder = SafeChunkEngine::in_place(path("link"));
  ASSERT_TRUE(folder.ok()) << folder.status().to_text();
  EXPECT_EQ(folder->project_path(), path("dotfiles"));
  fs::create_symlink("nowhere.json", path("home/dead.json"));
  EXPECT_EQ(SafeChunkEngine::open_file(path("home/dead.json")).status().code(),
            ErrorCode::not_found);
}

// --- healing

// What is put back looks as it did.
TEST_P(PlaceLayout, HealingKeepsIt) {
  const Layouts& layout = GetParam();
  for (const bool is_read_before : {false, true}) {
    write_long_ago(path("settings.json"), layout.before);
    auto engine = open_file("settings.json");
    if (is_read_before) (void)engine.fetch_chunk("settings").value();
    save(engine, layout.update, "settings");
    write_long_ago(path("settings.json"), "{\"half");
    const auto read = engine.read_chunk("settings");
    ASSERT_TRUE(read.ok());
    EXPECT_FALSE(read->older.ok());
    EXPECT_EQ(read_file(path("settings.json")), layout.after);
    ASSERT_TRUE(engine.detach().ok());
    fs::remove_all(folder_ / ".settings.json.safechunk");
  }
}

TEST_P(PlaceLayout, AnEditOfAPartThatIsHealedKeepsIt) {
  const Layouts& layout = GetParam();
  write_long_ago(path("settings.json"), layout.before);
  auto engine = open_file("settings.json");
  ASSERT_TRUE(engine
                  .stage_patch("settings",
                               R"([{"op":"test","path":"","value":)" +
                                   layout.before.substr(
                                       layout.before.starts_with(kMark) ? kMark.size() : 0) +
                                   R"(},{"op":"replace","path":"","value":)" + layout.update + "}]")
                  .ok());
  ASSERT_TRUE(engine.force_sync().ok());
  const std::string saved = read_file(path("settings.json"));
  write_long_ago(path("settings.json"), "{\"half");
  EXPECT_FALSE(engine.read_chunk("settings")->older.ok());
  EXPECT_EQ(read_file(path("settings.json")), saved);
}

// Repair, and so the command adopt, makes the first backup: there is something to heal from.
TEST_F(Places, RepairMakesTheFirstBackup) {
  write_long_ago(path("a.json"), "{\"a\": 1}");
  {
    auto engine = open_file("a.json");
    ASSERT_TRUE(engine.repair().ok());
  }
  write_long_ago(path("a.json"), "{\"a\": tr");
  auto engine = open_file("a.json");
  EXPECT_EQ(engine.fetch_chunk("a").value(), "{\"a\": 1}");
}

// --- edits by edit_file()

TEST_F(Places, EditFileWaitsForItsTurn) {
  write_long_ago(path("a.json"), "{\"a\": 1}");
  FileEditOptions options;
  options.lock_timeout = std::chrono::milliseconds(50);
  const auto set = [&](const std::string& value) {
    const FileEdit edit = FileEdit::set("/b", value);
    return edit_file(path("a.json"), std::span(&edit, 1), options);
  };
  ASSERT_TRUE(set("1").ok());
  {
    EngineOptions slow;
    slow.debounce_delay = slow.max_delay = std::chrono::hours(1);
    auto engine = open_file("a.json", slow);
    ASSERT_TRUE(engine.stage_value("a", "/a", "2").ok());
    EXPECT_EQ(set("2").status().code(), ErrorCode::locked);
  }
  const auto done = set("3");
  ASSERT_TRUE(done.ok()) << done.status().to_text();
  EXPECT_TRUE(done->changed);
  EXPECT_EQ(read_file(path("a.json")), "{\"a\": 2, \"b\": 3}");
  EXPECT_EQ(done->revision, read_json_file(path("a.json"))->revision);
  EXPECT_FALSE(set("3")->changed);
  options.if_revision = "00000000000000000000000000000001";
  EXPECT_EQ(set("4").status().code(), ErrorCode::conflict);
  EXPECT_FALSE(fs::exists(path(".a.json.safechunk/a.json.bak.tmp")));
}

TEST_F(Places, EditFileSavesWhatADeadOwnerHadStaged) {
  write_long_ago(path("a.json"), "{\"a\": 1}");
  Child child([&] {
    EngineOptions options;
    options.debounce_delay = options.max_delay = std::chrono::hours(1);
    auto engine = SafeChunkEngine::open_file(path("a.json"), options);
    require_ok(engine.status(), "open");
    require_ok(engine->stage_value("a", "/a", "2"), "stage");
    ::kill(::getpid(), SIGKILL);
  });
  ASSERT_EQ(child.wait(), kKilled);
  EXPECT_EQ(read_json_file(path("a.json"))->text, "{\"a\": 2}");
  const FileEdit edit = FileEdit::set("/b", "3");
  ASSERT_TRUE(edit_file(path("a.json"), std::span(&edit, 1)).ok());
  EXPECT_EQ(read_file(path("a.json")), "{\"a\": 2, \"b\": 3}");
}

// A person was faster than the dead owner's edit. Kills: an edit that goes without a word.
TEST_F(Places, EditFileTellsWhatItMet) {
  write_long_ago(path("a.json"), "{\"a\": 1}");
  Child child([&] {
    EngineOptions options;
    options.debounce_delay = options.max_delay = std::chrono::hours(1);
    auto engine = SafeChunkEngine::open_file(path("a.json"), options);
    require_ok(engine.status(), "open");
    require_ok(engine->stage_value("a", "/a", "2"), "stage");
    ::kill(::getpid(), SIGKILL);
  });
  ASSERT_EQ(child.wait(), kKilled);
  write_long_ago(path("a.json"), "{\"a\": 7}");
  const FileEdit edit = FileEdit::set("/b", "3");
  const auto done = edit_file(path("a.json"), std::span(&edit, 1));
  ASSERT_TRUE(done.ok()) << done.status().to_text();
  EXPECT_EQ(read_file(path("a.json")), "{\"a\": 7, \"b\": 3}");
  ASSERT_FALSE(done->faults.empty());
  EXPECT_EQ(done->faults.front().code, ErrorCode::conflict);
  EXPECT_NE(done->faults.front().message.find(".a.json.safechunk/quarantine/"), std::string::npos)
      << done->faults.front().message;
  EXPECT_TRUE(edit_file(path("a.json"), std::span(&edit, 1))->faults.empty());
}

TEST_F(Places, EditFileOfAFileInAFolderThatIsAPlace) {
  write_long_ago(path("a.json"), "{\"a\": 1}");
  { auto engine = in_place(); }
  const FileEdit edit = FileEdit::set("/b", "3");
  ASSERT_TRUE(edit_file(path("a.json"), std::span(&edit, 1)).ok());
  EXPECT_EQ(read_file(path("a.json")), "{\"a\": 1, \"b\": 3}");
  EXPECT_EQ(names(), (std::set<std::string>{".safechunk", "a.json"}));
  EXPECT_EQ(edit_file(path("no.json"), std::span(&edit, 1)).status().code(), ErrorCode::not_found);
}

// --- traces

TEST_F(Places, NothingOfThePresentStateIsInTheSideFolder) {
  write_file(path("a.json"), "{\"a\": 1}");
  {
    auto engine = in_place();
    save(engine, "{\"a\":2}", "a");
  }
  fs::remove_all(folder_ / ".safechunk");
  {
    auto engine = in_place();
    EXPECT_EQ(engine.fetch_chunk("a").value(), "{\"a\": 2}");
    EXPECT_TRUE(engine.recovery_report().clean);
  }
}

TEST_F(Places, ReleaseLeavesNoTrace) {
  write_file(path("a.json"), "{\"a\": 1}");
  write_file(path("b.json"), "{\"b\": 1}");
  const auto attributes = attributes_of(path("b.json"));
  {
    auto engine = in_place();
    save(engine, "{\"b\":2}", "b");
    EXPECT_EQ(release_place(folder_.string(), PlaceKind::in_place).code(), ErrorCode::locked);
  }
  const Status released = release_place(folder_.string(), PlaceKind::in_place);
  ASSERT_TRUE(released.ok()) << released.to_text();
  EXPECT_EQ(names(), (std::set<std::string>{"a.json", "b.json"}));
  EXPECT_EQ(attributes_of(path("b.json")), attributes);
  EXPECT_EQ(release_place(folder_.string(), PlaceKind::in_place).code(), ErrorCode::not_found);
}

TEST_F(Places, ReleaseRefusesWhatWouldBeLost) {
  write_file(path("a.json"), "{\"a\": 1}");
  {
    auto engine = open_file("a.json");
    ASSERT_TRUE(engine.create_checkpoint().ok());
  }
  EXPECT_EQ(release_place(path("a.json"), PlaceKind::file).code(), ErrorCode::conflict);
  write_file(path(".a.json.safechunk/mine.txt"), "mine");
  EXPECT_EQ(release_place(path("a.json"), PlaceKind::file, true).code(),
            ErrorCode::unsupported_format);
  fs::remove(path(".a.json.safechunk/mine.txt"));
  ASSERT_TRUE(release_place(path("a.json"), PlaceKind::file, true).ok());
  EXPECT_EQ(names(), std::set<std::string>{"a.json"});
}

TEST_F(Places, TheSideFolderMovesWithItsFolder) {
  fs::create_directories(folder_ / "here");
  write_file(path("here/a.json"), "{\"a\": 1}");
  {
    auto engine = open_file("here/a.json");
    save(engine, "{\"a\":2}", "a");
  }
  fs::rename(path("here"), path("there"));
  write_long_ago(path("there/a.json"), "{\"a\": tru");
  auto engine = open_file("there/a.json");
  EXPECT_EQ(engine.fetch_chunk("a").value(), "{\"a\": 1}");  // the backup
}

// --- what is no place

TEST_F(Places, AFileThatIsNoJsonIsRefusedWhenItIsNew) {
  for (const char* text : {"", "{\"a\":\n  1,}", "// comment\n{}\n"}) {
    write_long_ago(path("a.json"), text);
    const auto refused = SafeChunkEngine::open_file(path("a.json"));
    EXPECT_EQ(refused.status().code(), ErrorCode::invalid_json) << text;
    EXPECT_EQ(refused.status().error().path, path("a.json"));
    EXPECT_TRUE(refused.status().error().position.has_value());
    EXPECT_EQ(read_file(path("a.json")), text);
    EXPECT_EQ(names(), std::set<std::string>{"a.json"});
  }
}

TEST_F(Places, AProjectIsNoPlace) {
  make_project(folder_);
  const auto refused = SafeChunkEngine::in_place(path("project"));
  EXPECT_EQ(refused.status().code(), ErrorCode::unsupported_format);
  EXPECT_FALSE(fs::exists(path("project/.safechunk")));
  EXPECT_EQ(SafeChunkEngine::in_place(path("project/chunks")).status().code(),
            ErrorCode::unsupported_format);
  EXPECT_EQ(SafeChunkEngine::open_file(path("project/chunks/a.json")).status().code(),
            ErrorCode::unsupported_format);
  EXPECT_EQ(names("project/chunks"), (std::set<std::string>{"a.json", "b.json"}));
  EXPECT_EQ(SafeChunkEngine::in_place(path("missing")).status().code(), ErrorCode::not_found);
  EXPECT_EQ(SafeChunkEngine::open_file(path("missing/a.json")).status().code(),
            ErrorCode::not_found);
  EXPECT_FALSE(fs::exists(path("missing")));
  EXPECT_EQ(SafeChunkEngine::open_file(path("project")).status().code(), ErrorCode::io_error);
}

// A link would lead lock and journal to where somebody else wants them.
TEST_F(Places, ASideFolderIsAFolder) {
  write_file(path("a.json"), "{}");
  fs::create_directory(folder_ / "elsewhere");
  fs::create_directory_symlink("elsewhere", path(".a.json.safechunk"));
  const auto linked = SafeChunkEngine::open_file(path("a.json"));
  EXPECT_EQ(linked.status().code(), ErrorCode::conflict) << linked.status().to_text();
  EXPECT_TRUE(fs::is_empty(folder_ / "elsewhere"));
  fs::remove(path(".a.json.safechunk"));
  write_file(path(".a.json.safechunk"), "a file");
  const auto refused = SafeChunkEngine::open_file(path("a.json"));
  EXPECT_EQ(refused.status().code(), ErrorCode::conflict) << refused.status().to_text();
  EXPECT_EQ(read_file(path(".a.json.safechunk")), "a file");
}

TEST_F(Places, AReaderNeedsASideFolder) {
  write_file(path("a.json"), "{}");
  EngineOptions options;
  options.mode = Mode::read;
  EXPECT_EQ(SafeChunkEngine::open_file(path("a.json"), options).status().code(),
            ErrorCode::not_found);
  EXPECT_EQ(names(), std::set<std::string>{"a.json"});
  { auto engine = open_file("a.json"); }
  auto reader = open_file("a.json", options);
  EXPECT_EQ(reader.fetch_chunk("a").value(), "{}");
}

// --- two places with one file

TEST_F(Places, AFileAndItsFolderExcludeEachOther) {
  write_file(path("a.json"), "{}");
  {
    auto engine = open_file("a.json");
    const auto refused = SafeChunkEngine::in_place(folder_.string());
    EXPECT_EQ(refused.status().code(), ErrorCode::locked) << refused.status().to_text();
  }
  EXPECT_EQ(SafeChunkEngine::in_place(folder_.string()).status().code(), ErrorCode::conflict);
  ASSERT_TRUE(release_place(path("a.json"), PlaceKind::file).ok());
  { auto engine = in_place(); }
  EXPECT_EQ(SafeChunkEngine::open_file(path("a.json")).status().code(), ErrorCode::conflict);
  EXPECT_EQ(names(), (std::set<std::string>{".safechunk", "a.json"})) << "a refusal leaves a trace";
  ASSERT_TRUE(release_place(folder_.string(), PlaceKind::in_place).ok());
  (void)open_file("a.json");
}

TEST_F(Places, ModesAndOwnersFollowTheFile) {
  write_file(path("secret.json"), "{\"token\": 1}");
  ASSERT_EQ(::chmod(path("secret.json").c_str(), 0600), 0);
  auto engine = open_file("secret.json");
  save(engine, "{\"token\":2}", "secret");
  ASSERT_TRUE(engine.stage_update("{\"token\":3}", "secret").ok());
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
    struct stat info {};
    ASSERT_EQ(::lstat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 077U, 0U) << entry.path();
  }
}

// Several processes, each with edits of its own, and one that saves the file like an editor.
TEST_F(Places, ProcessesWriteInTurn) {
  write_file(path("n.json"), "{\n  \"n\": 0,\n  \"other\": []\n}\n");
  std::vector<Child> children;
  constexpr int kProcesses = 4;
  constexpr int kEdits = 25;
  for (int i = 0; i < kProcesses; ++i) {
    children.emplace_back([&] {
      EngineOptions options;
      options.mode = Mode::shared;
      auto engine = SafeChunkEngine::open_file(path("n.json"), options);
      require_ok(engine.status(), "open");
      for (int edit = 0; edit < kEdits; ++edit) {
        require_ok(engine->update("n",
                                  [](const ChunkRead& present) -> Result<std::string> {
                                    const auto value = json_value_at(*present.text, "/n");
                                    const int next = std::stoi(*value) + 1;
                                    return "{\"other\":[],\"n\":" + std::to_string(next) + "}";
                                  }),
                   "update");
      }
    });
  }
  for (Child& child : children) EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(read_file(path("n.json")),
            "{\n  \"n\": " + std::to_string(kProcesses * kEdits) + ",\n  \"other\": []\n}\n");
}

}  // namespace
}  // namespace safechunk::test
