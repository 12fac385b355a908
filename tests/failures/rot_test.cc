// G6, G7: a disk that rots. Every byte of every file of a small project is flipped, zeroed and set,
// every file is cut at every length, sectors become zeros, files are swapped; with stamps, and on a
// file system without extended attributes. No fetch gives anything but the current version, an
// earlier one with a report, or an error; and never nothing for a chunk that was there.
//
// What cannot be told from an edit is accepted and reported as one: without stamps, damage that
// still is JSON; with them, another chunk's file under this name.
//
// SAFECHUNK_ROT_STRIDE  every how many places are damaged (default 17)
//
// Kills: a stamp whose digest is not compared ("rot not told from an edit" of tools/mutate.py), a
// stamp that is good for any chunk, readers that do not tell that they read the backup.

#include <fcntl.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/file_system_probe.h"
#include "support/folder_listing.h"
#include "support/place.h"
#include "support/private_mounts.h"
#include "support/rotten_project.h"
#include "support/small_project.h"

namespace safechunk {
namespace {

using test::Child;
using test::kFirst;
using test::kSecond;
using test::make_project;
using test::read_file;
using test::require;
using test::require_ok;
using test::stamps_work;
using test::StoredProject;
using test::TemporaryFolder;
using test::Told;
using test::write_file;
using Json = nlohmann::json;
namespace fs = std::filesystem;

using MaybeText = std::optional<std::string>;

// What stands in the file of version `number` of a chunk. Chunk b has some sectors.
std::string text_of(const std::string& chunk, int number) {
  Json value{{"chunk", chunk}, {"version", number}};
  for (int i = 0; chunk == "b" && i < 300; ++i) value["list"].push_back(number * 1000 + i);
  return value.dump() + "\n";
}

// Without asking the engine. Json takes a zero for the end.
bool is_json(const std::string& bytes) {
  return bytes.find('\0') == std::string::npos && Json::accept(bytes);
}

EngineOptions options_at(const fs::path& base, bool read_only) {
  EngineOptions options;
  options.base_dir = base.string();
  options.indent = 0;
  options.debounce_delay = options.max_delay = std::chrono::hours(1);
  if (read_only) options.mode = Mode::read;
  return test::in_this_place(options);
}

void stage(SafeChunkEngine& engine, const std::string& chunk, int number) {
  require_ok(engine.stage_update(std::string_view(text_of(chunk, number)), chunk), "stage_update");
}

struct Scene {
  StoredProject files;
  std::vector<std::string> other_journals;  // of an earlier attach, and of an earlier moment
};

// Those that are committed.
const std::vector<std::string> kCommitted =
    test::has_one_chunk() ? std::vector<std::string>{"a"} : std::vector<std::string>{"a", "b", "c"};
// And a new one.
const std::vector<std::string> kEach =
    test::has_one_chunk() ? kCommitted : std::vector<std::string>{"a", "b", "c", "d"};

// Chunks a, b and c in version 2 with version 1 as backup and in a checkpoint; the owner died with
// versions 3 and 4 of a and version 1 of a new chunk d in its journal.
Scene make_scene(const fs::path& base) {
  const fs::path journal = base / test::lies_at("project/.journal");
  test::make_folder_of_place(base);
  const auto attach = [&] {
    SafeChunkEngine engine(test::project_id(), options_at(base, false));
    require_ok(engine.status(), "attach");
    return engine;
  };
  {
    SafeChunkEngine engine = attach();
    for (const std::string& chunk : kCommitted) stage(engine, chunk, 1);
    require_ok(engine.create_checkpoint("rot", 10, "notes").status(), "create_checkpoint");
    for (const std::string& chunk : kCommitted) stage(engine, chunk, 2);
    fs::copy_file(journal, base / "journal_of_another_attach");
    require_ok(engine.detach(), "detach");
  }
  Child owner([&] {
    SafeChunkEngine engine = attach();
    stage(engine, "a", 3);
    fs::copy_file(journal, base / "earlier_journal");
    if (test::may_be_here("d")) stage(engine, "d", 1);
    stage(engine, "a", 4);
    test::leave(0);
  });
  require(owner.wait() == 0, "the owner failed");
  return {test::load_project(base),
          {read_file(base / "journal_of_another_attach"), read_file(base / "earlier_journal")}};
}

// Whether the records of a damaged journal end as those of a whole one do: with zeros or the end of
// the file after a record. Then nothing shows that there were more.
bool ends_cleanly(const std::string& whole, const std::string& damaged) {
  if (damaged.find_first_not_of('\0') == std::string::npos) return true;  // never written
  std::size_t end = 32;
  for (;;) {
    if (damaged.substr(0, end) != whole.substr(0, end)) return false;
    if (damaged.size() <= end || damaged.compare(end, 8, std::string(8, '\0')) == 0) return true;
    std::uint64_t length = 0;
    if (whole.size() < end + 16) return false;
    std::memcpy(&length, whole.data() + end + 8, sizeof length);
    if (length == 0) return false;
    end += length;
  }
}

// What a fetch may give, best first: texts, or no chunk at all.
struct Allowed {
  std::vector<MaybeText> values;
  bool first_needs_report = false;  // all others always do
  bool silently = false;            // none does
  bool error = false;
};

class RotEverywhere : public testing::TestWithParam<bool> {
 protected:
  static bool stamped() { return GetParam(); }

  // In memory, where that is allowed, because it is faster.
  void SetUp() override {
    if (private_mounts().empty()) disk_.emplace(stamped() ? "tmpfs" : "ramfs");
    if (!disk_ && !stamped()) GTEST_SKIP() << "cannot mount here: " << private_mounts();
    base_ = disk_ ? disk_->path() : folder_.path();
    if (stamped() && !has_attributes()) {
      base_ = folder_.path();
      if (!has_attributes()) GTEST_SKIP() << "no extended attributes here";
    }
    ASSERT_EQ(has_attributes(), stamped());
    scene_ = make_scene(base_);
  }
  static const std::string& private_mounts() { return test::private_mounts(); }

  [[nodiscard]] bool has_attributes() const {
    const fs::path probe = base_ / "probe";
    write_file(probe, "x");
    const bool has = ::setxattr(probe.c_str(), "user.probe", "1", 1, 0) == 0;
    fs::remove(probe);
    return has;
  }
  [[nodiscard]] fs::path project() const { return base_ / "project"; }
  [[nodiscard]] std::string checkpoint() const {
    for (const auto& [name, file] : scene_.files) {
      if (name.starts_with("checkpoints/")) return fs::path(name).filename().string();
    }
    throw std::runtime_error("no checkpoint");
  }

  // An owner with everything committed.
  void reopen() {
    engine_.reset();
    test::store_project(scene_.files, base_);
    engine_.emplace(test::project_id(), options_at(base_, false));
    ASSERT_TRUE(engine_->is_active()) << engine_->status().to_text();
    restored_ = false;
  }

  using Rule = std::function<Allowed(const std::string& chunk, bool reader)>;

  // Opens the project for reading, as its owner, and as its owner again.
  void judge(const StoredProject& files, const std::string& what, const Rule& rule) {
    SCOPED_TRACE(what);
    ++damages_;
    test::store_project(files, base_);
    {
      SafeChunkEngine reader(test::project_id(), options_at(base_, true));
      judge_engine(reader, true, rule);
    }
    std::map<std::string, std::string> settled;
    {
      SafeChunkEngine owner(test::project_id(), options_at(base_, false));
      if (!owner.is_active()) {
        // Half a lock text may look like the lock of somebody who lives.
        EXPECT_EQ(owner.status().code(), ErrorCode::locked) << owner.status().to_text();
        EXPECT_NE(files.at(".lock").bytes, scene_.files.at(".lock").bytes);
        return;
      }
      settled = judge_engine(owner, false, rule);
      const Status detached = owner.detach();
      EXPECT_TRUE(detached.ok()) << detached.to_text();
    }
    SafeChunkEngine again(test::project_id(), options_at(base_, false));
    EXPECT_TRUE(again.recovery_report().events.empty()) << "opened again";
    EXPECT_EQ(texts_of(again), settled) << "opened again";
  }

  static std::map<std::string, std::string> texts_of(SafeChunkEngine& engine) {
    std::map<std::string, std::string> texts;
    for (const std::string& chunk : kEach) {
      const auto found = engine.find_chunk(chunk);
      texts[chunk] = !found ? found.status().to_text() : found->value_or("missing");
    }
    return texts;
  }

  static std::map<std::string, std::string> judge_engine(SafeChunkEngine& engine, bool reader,
                                                         const Rule& rule) {
    const Told told(engine);
    for (const std::string& chunk : kEach) {
      const auto found = engine.find_chunk(chunk);
      const Allowed allowed = rule(chunk, reader);
      const std::string who = (reader ? "a reader: " : "the owner: ") + chunk;
      if (!found) {
        EXPECT_TRUE(allowed.error && found.code() == ErrorCode::lost)
            << who << ": " << found.status().to_text();
        continue;
      }
      const auto value = std::find(allowed.values.begin(), allowed.values.end(), *found);
      if (value == allowed.values.end()) {
        ADD_FAILURE() << who << " is " << found->value_or("missing");
        continue;
      }
      const bool needs_report =
          !allowed.silently && (value != allowed.values.begin() || allowed.first_needs_report);
      EXPECT_TRUE(!needs_report || reported(engine, told)) << who << ": nobody was told";
    }
    return texts_of(engine);
  }

  static bool reported(SafeChunkEngine& engine, const Told& told) {
    for (const Event& event : engine.recovery_report().events) {
      if (event.kind != Event::Kind::stale_lock && event.kind != Event::Kind::replayed) return true;
    }
    return !told.faults.empty() || told.of("healed") || told.of("external_edit");
  }

  // Readers apply the journal of an owner that is gone, too; unless what is left of its lock looks
  // like that of somebody who lives: then they see what is committed.
  static Allowed current(const std::string& chunk, bool reader) {
    if (chunk == "d")
      return reader ? Allowed{{text_of("d", 1), MaybeText()}, false, true}
                    : Allowed{{text_of("d", 1)}};
    if (chunk == "a")
      return reader ? Allowed{{text_of("a", 4), text_of("a", 2)}, false, true}
                    : Allowed{{text_of("a", 4)}};
    return {{text_of(chunk, 2)}};
  }

  // The rule for one damaged file.
  [[nodiscard]] Allowed allowed_for(const std::string& chunk, bool reader, const std::string& file,
                                    const std::string& bytes) const {
    if (file == ".journal" && (chunk == "a" || chunk == "d")) {
      Allowed allowed;
      allowed.values = {current(chunk, false).values.front()};
      if (chunk == "a")
        allowed.values.insert(allowed.values.end(), {text_of("a", 3), text_of("a", 2)});
      if (chunk == "d") allowed.values.emplace_back();
      // A reader shows what it can read; verify tells of the rest.
      allowed.silently = reader || ends_cleanly(scene_.files.at(file).bytes, bytes);
      return allowed;
    }
    if (file != "chunks/" + chunk + ".json") return current(chunk, reader);
    if (!stamped() && is_json(bytes)) {
      // An edit by hand, for all that anybody can know. It wins over what is in the journal, unless
      // only white space changed.
      Allowed allowed{{bytes}, !reader};
      if (Json::parse(bytes) == Json::parse(text_of(chunk, 2))) {
        allowed = {{bytes, current(chunk, false).values.front()}, false, true};
      }
      return allowed;
    }
    // The journal has a newer version of a, which hides the damage from those who only read.
    if (chunk == "a") return {{text_of("a", 4)}, !reader};
    return {{text_of(chunk, 1)}, true};
  }

  // The rule after two files were swapped.
  [[nodiscard]] Allowed allowed_when_swapped(const std::string& chunk, bool reader,
                                             const StoredProject& files, bool renamed) const {
    Allowed allowed = current(chunk, reader);
    if (chunk == "d") {
      if (files.at(".journal").bytes != scene_.files.at(".journal").bytes) {
        allowed.values.emplace_back();
      }
      return allowed;
    }
    for (const int version : {3, 2, 1}) allowed.values.emplace_back(text_of(chunk, version));
    const std::string file = "chunks/" + chunk + ".json";
    const std::string& bytes = files.at(file).bytes;
    if (bytes == scene_.files.at(file).bytes) return allowed;
    allowed.error = true;
    if ((renamed || !stamped()) && is_json(bytes)) {
      allowed.values.emplace_back(bytes);
      // Its own backup, stamp and all, is what somebody puts there who wants to go back.
      allowed.silently = reader || (renamed && bytes == text_of(chunk, 1));
    }
    return allowed;
  }

  TemporaryFolder folder_;
  std::optional<test::MemoryDisk> disk_;
  fs::path base_;
  Scene scene_;
  std::size_t damages_ = 0;
  std::optional<SafeChunkEngine> engine_;  // of the checkpoint's test
  bool restored_ = false;
};

TEST_P(RotEverywhere, OfAnyFileIsHealedOrReported) {
  for (const auto& file : scene_.files) {
    const std::string& name = file.first;
    if (name.starts_with("checkpoints/")) continue;
    test::for_each_damage(
        file.second.bytes, [&](const std::string& what, const std::string& damaged) {
          StoredProject files = scene_.files;
          files[name].bytes = damaged;
          judge(files, name + ", " + what, [&](const std::string& chunk, bool reader) {
            return allowed_for(chunk, reader, name, damaged);
          });
          return !HasFailure();
        });
    if (HasFailure()) return;
  }
  std::printf("%zu damages\n", damages_);
}

// A file that is missing was removed: its backup brings nothing back, whatever it is.
TEST_P(RotEverywhere, OfABackupWhoseChunkIsGoneBringsNothingBack) {
  if (const char* reason = test::no_several_chunks()) GTEST_SKIP() << reason;
  for (const std::string chunk : {"b", "c"}) {
    const std::string backup = "chunks_bak/" + chunk + ".bak";
    test::for_each_damage(
        scene_.files.at(backup).bytes, [&](const std::string& what, const std::string& damaged) {
          StoredProject files = scene_.files;
          files.erase("chunks/" + chunk + ".json");
          files[backup].bytes = damaged;
          judge(files, backup + ", " + what, [&](const std::string& other, bool reader) -> Allowed {
            if (other != chunk) return current(other, reader);
            return {{MaybeText()}};
          });
          return !HasFailure();
        });
  }
  std::printf("%zu damages\n", damages_);
}

// A damaged stamp is no stamp: the file is JSON, and right.
TEST_P(RotEverywhere, OfAStampHarmsNoData) {
  if (!stamped()) return;  // there are none
  for (const auto& file : scene_.files) {
    const std::string& name = file.first;
    if (!file.second.stamp) continue;
    test::for_each_damage(*file.second.stamp,
                          [&](const std::string& what, const std::string& damaged) {
                            StoredProject files = scene_.files;
                            files[name].stamp = damaged;
                            judge(files, "the stamp of " + name + ", " + what,
                                  [](const std::string& chunk, bool reader) -> Allowed {
                                    return current(chunk, reader);
                                  });
                            return !HasFailure();
                          });
  }
  std::printf("%zu damages\n", damages_);
}

// Two files with each other's bytes (and each with its own stamp), or with each other's names.
TEST_P(RotEverywhere, OfTwoSwappedFilesIsHealedOrReported) {
  for (auto one = scene_.files.begin(); one != scene_.files.end(); ++one) {
    for (auto other = std::next(one); other != scene_.files.end(); ++other) {
      for (const bool renamed : {false, true}) {
        StoredProject files = scene_.files;
        std::swap(files[one->first], files[other->first]);
        if (!renamed) {
          std::swap(files[one->first].stamp, files[other->first].stamp);
          std::swap(files[one->first].modified, files[other->first].modified);
        }
        judge(files, one->first + (renamed ? " renamed to " : " in the place of ") + other->first,
              [&](const std::string& chunk, bool reader) {
                return allowed_when_swapped(chunk, reader, files, renamed);
              });
        if (HasFailure()) return;
      }
    }
  }
  std::printf("%zu damages\n", damages_);
}

// A whole journal of another time rolls nothing back that is in the files.
TEST_P(RotEverywhere, OfTheJournalIntoAnOlderOneRollsNothingBack) {
  for (const std::string& journal : scene_.other_journals) {
    StoredProject files = scene_.files;
    files[".journal"].bytes = journal;
    judge(files, "another journal", [](const std::string& chunk, bool reader) -> Allowed {
      if (chunk == "a") return {{text_of("a", 2), text_of("a", 3)}, false, true};
      if (chunk == "d") return {{MaybeText()}};
      return current(chunk, reader);
    });
  }
  std::printf("%zu damages\n", damages_);
}

// G13: a damaged archive is either restored exactly, because nothing that counts was hit, or
// refused with everything as it was.
TEST_P(RotEverywhere, OfACheckpointIsRefusedOrHarmless) {
  const fs::path archive = base_ / test::lies_at("project/checkpoints") / checkpoint();
  const std::string whole = scene_.files.at("checkpoints/" + checkpoint()).bytes;
  std::size_t harmless = 0;
  test::for_each_damage(whole, [&](const std::string& what, const std::string& damaged) {
    SCOPED_TRACE(what);
    if (damages_++ == 0 || restored_) reopen();
    write_file(archive, damaged);
    const auto before = test::listing_of(project());
    EXPECT_TRUE(engine_->list_checkpoints().ok());
    const Status verified = engine_->verify_checkpoint(checkpoint());
    const Status restored = engine_->restore_checkpoint(checkpoint());
    EXPECT_EQ(verified.code(), restored.code()) << verified.to_text() << restored.to_text();
    if (restored.ok()) {
      ++harmless;
      restored_ = true;
      for (const std::string& chunk : kCommitted) {
        EXPECT_EQ(*engine_->fetch_chunk(chunk), text_of(chunk, 1));
      }
      EXPECT_EQ(engine_->list_chunks()->size(), kCommitted.size());
    } else {
      EXPECT_EQ(test::listing_of(project()), before);
    }
    return !HasFailure();
  });
  std::printf("%zu damages, %zu of them restored exactly\n", damages_, harmless);
}

std::string case_name(const testing::TestParamInfo<bool>& info) {
  return info.param ? "with_stamps" : "without_stamps";
}

INSTANTIATE_TEST_SUITE_P(All, RotEverywhere, testing::Bool(), case_name);

// --- while the owner lives

// Changes bytes without changing the time of the file, as a disk that rots.
void rot(const fs::path& path, const std::function<void(int)>& change) {
  struct stat before {};
  ASSERT_EQ(::stat(path.c_str(), &before), 0);
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(file, 0);
  change(file);
  const timespec times[2] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::futimens(file, times), 0);
  ::close(file);
}

void rot_byte(const fs::path& path, std::size_t offset, char byte) {
  rot(path, [&](int file) { ASSERT_EQ(::pwrite(file, &byte, 1, static_cast<off_t>(offset)), 1); });
}

// G6; field.md: "valid-JSON corruption is not seen".
TEST(Rot, ThatStillParsesIsHealed) {
  const TemporaryFolder folder;
  make_project(folder);
  if (!stamps_work(folder)) GTEST_SKIP() << "this file system has no extended attributes";
  const fs::path file = folder / "project/chunks/a.json";
  rot_byte(file, 6, '9');
  ASSERT_EQ(read_file(file), "[\n    9\n]\n");
  SafeChunkEngine engine(test::project_id(), options_in(folder));
  EXPECT_FALSE(engine.verify()->sound());
  EXPECT_EQ(*engine.fetch_chunk("a"), kFirst);
  EXPECT_EQ(read_file(file), kFirst);
  EXPECT_EQ(engine.health_report()->heals, 1U);
  EXPECT_EQ(engine.health_report()->quarantine_files, 1U);
}

// G6: every byte of a chunk, and every truncation: never returned as data.
TEST(Rot, OfAnyByteAndAnyTruncationIsHealed) {
  const TemporaryFolder folder;
  make_project(folder);
  if (!stamps_work(folder)) GTEST_SKIP() << "this file system has no extended attributes";
  const fs::path file = folder / "project/chunks/a.json";
  SafeChunkEngine engine(test::project_id(), options_in(folder));
  const std::size_t size = read_file(file).size();
  for (std::size_t offset = 0; offset < size; ++offset) {
    const char now = read_file(file)[offset];
    for (const char byte : {'\0', static_cast<char>(now ^ 1), static_cast<char>(now ^ 0x80)}) {
      rot_byte(file, offset, byte);
      ASSERT_EQ(*engine.fetch_chunk("a"), kFirst) << offset;
    }
    rot(file, [&](int number) { ASSERT_EQ(::ftruncate(number, static_cast<off_t>(offset)), 0); });
    ASSERT_EQ(*engine.fetch_chunk("a"), kFirst) << "cut to " << offset;
  }
}

// G6, G7; field.md: "total loss returns {} with no fault".
TEST(Rot, BeyondHealingIsReportedAsLostAndKept) {
  if (const char* reason = test::no_several_chunks()) GTEST_SKIP() << reason;
  const TemporaryFolder folder;
  make_project(folder);
  test::write_long_ago(folder / "project/chunks/a.json", "primary");
  write_file(folder / "project/chunks_bak/a.bak", "backup");
  SafeChunkEngine engine(test::project_id(), options_in(folder));
  Told told(engine);
  EXPECT_EQ(engine.fetch_chunk("a").code(), ErrorCode::lost);
  EXPECT_EQ(engine.fetch_chunk("a").code(), ErrorCode::lost);  // and stays so
  EXPECT_FALSE(told.faults.empty());
  EXPECT_EQ(engine.health_report()->quarantine_files, 2U);
  EXPECT_EQ(*engine.fetch_chunk("b"), kSecond);
}

}  // namespace
}  // namespace safechunk
