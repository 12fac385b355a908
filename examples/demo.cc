// The main job on real data: the ISO code tables that Debian's package iso-codes installs as JSON
// are kept as chunks, while everything that can happen to a program happens to this one.
//
// usage: demo FOLDER

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <safechunk/maintenance.hpp>
#include <safechunk/nlohmann.hpp>
#include <string>

namespace fs = std::filesystem;
using safechunk::EngineOptions;
using safechunk::SafeChunkEngine;
using Json = nlohmann::ordered_json;

namespace {

constexpr const char* kTables = "/usr/share/iso-codes/json";
constexpr const char* kProject = "iso_codes";

[[noreturn]] void give_up(const std::string& what) {
  std::cerr << "demo: " << what << "\n";
  std::exit(1);
}

void check(const safechunk::Status& status, const char* what) {
  if (!status.ok()) give_up(std::string(what) + ": " + status.to_text());
}

template <typename T>
T take(safechunk::Result<T> result, const char* what) {
  check(result.status(), what);
  return *std::move(result);
}

void expect(bool condition, const char* what) {
  if (!condition) give_up(std::string("this should not have happened: ") + what);
}

class Stopwatch {
 public:
  [[nodiscard]] double milliseconds() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin_)
        .count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void title(const char* text) {
  std::cout << "\n--- " << text << "\n";
}

void print_events(const SafeChunkEngine& engine) {
  constexpr std::size_t kShown = 4;
  const auto& events = engine.recovery_report().events;
  for (std::size_t i = 0; i < events.size() && i < kShown; ++i) {
    std::cout << "    recovery: " << to_string(events[i].kind) << " " << events[i].chunk << ": "
              << events[i].detail << "\n";
  }
  if (events.size() > kShown) std::cout << "    ... " << events.size() - kShown << " more\n";
}

std::map<std::string, std::string> load_tables() {
  std::map<std::string, std::string> tables;
  if (!fs::is_directory(kTables)) give_up(std::string(kTables) + " is missing: install iso-codes");
  for (const auto& entry : fs::directory_iterator(kTables)) {
    if (entry.path().extension() != ".json" || entry.is_symlink()) continue;
    tables[entry.path().stem().string()] = read_file(entry.path());
  }
  if (tables.empty()) give_up("no tables found");
  return tables;
}

void save_tables(SafeChunkEngine& engine, const std::map<std::string, std::string>& tables) {
  title("1. Real data: the ISO code tables become chunks");
  std::size_t bytes = 0;
  const Stopwatch staging;
  for (const auto& [name, text] : tables) {
    check(engine.stage_update(std::string_view(text), name), "stage_update");
    bytes += text.size();
  }
  const double staged = staging.milliseconds();
  const Stopwatch syncing;
  check(engine.force_sync(), "force_sync");
  std::printf("    %zu tables, %.1f MB: staged in %.1f ms, durable on disk in %.1f ms\n",
              tables.size(), static_cast<double>(bytes) / 1e6, staged, syncing.milliseconds());
  const Stopwatch reading;
  const auto countries = take(engine.fetch_chunk<Json>("iso_3166-1"), "fetch_chunk");
  std::printf(
      "    read back: %zu countries, the first is %s (%.1f ms)\n", countries.at("3166-1").size(),
      countries.at("3166-1").at(0).at("name").get<std::string>().c_str(), reading.milliseconds());
}

// The child stages as fast as it can and tells each accepted edit through the pipe; it never saves.
[[noreturn]] void write_for_ever(const std::string& folder, int pipe) {
  EngineOptions options;
  options.base_dir = folder;
  options.debounce_delay = std::chrono::milliseconds(20);
  SafeChunkEngine engine(kProject, options);
  if (!engine.is_active()) ::_exit(1);
  for (std::uint64_t i = 1;; ++i) {
    const std::string text = Json{{"edit", i}}.dump();
    if (!engine.stage_update(std::string_view(text), "burst_" + std::to_string(i % 50)).ok())
      ::_exit(1);
    if (::write(pipe, &i, sizeof i) != sizeof i) ::_exit(1);
  }
}

void kill_in_a_burst(const std::string& folder) {
  title("2. A writer is killed with SIGKILL in the middle of a burst");
  int ends[2];
  if (::pipe(ends) != 0) give_up("pipe failed");
  std::cout.flush();
  const pid_t child = ::fork();
  if (child < 0) give_up("fork failed");
  if (child == 0) {
    ::close(ends[0]);
    write_for_ever(folder, ends[1]);
  }
  ::close(ends[1]);
  std::map<std::string, std::uint64_t> accepted;
  std::uint64_t edit = 0;
  while (edit < 20'000 && ::read(ends[0], &edit, sizeof edit) == sizeof edit) {
    accepted["burst_" + std::to_string(edit % 50)] = edit;
  }
  if (::kill(child, SIGKILL) != 0) give_up("kill failed");
  while (::read(ends[0], &edit, sizeof edit) == sizeof edit) {
    accepted["burst_" + std::to_string(edit % 50)] = edit;
  }
  ::close(ends[0]);
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFSIGNALED(status)) give_up("the writer failed");
  std::printf("    the writer had %llu edits of %zu chunks accepted, and never called force_sync\n",
              static_cast<unsigned long long>(edit), accepted.size());

  EngineOptions options;
  options.base_dir = folder;
  const Stopwatch opening;
  SafeChunkEngine engine(kProject, options);
  check(engine.status(), "reopen");
  std::printf("    reopened and recovered in %.1f ms\n", opening.milliseconds());
  print_events(engine);
  for (const auto& [chunk, newest] : accepted) {
    const auto value = take(engine.fetch_chunk<Json>(chunk), "fetch_chunk");
    // One more edit may have been accepted than was told.
    expect(value.at("edit").get<std::uint64_t>() >= newest, "an accepted edit was lost");
  }
  std::cout << "    every one of them is there\n";
}

void damage_and_heal(SafeChunkEngine& engine) {
  title("3. A chunk is damaged, and heals");
  const fs::path file = fs::path(engine.project_path()) / "chunks" / "settings.json";
  check(engine.stage_update(Json{{"theme", "light"}, {"version", 1}}, "settings"), "stage");
  check(engine.force_sync(), "force_sync");
  check(engine.stage_update(Json{{"theme", "dark"}, {"version", 2}}, "settings"), "stage");
  check(engine.force_sync(), "force_sync");
  std::ofstream(file, std::ios::binary | std::ios::trunc) << std::string(60, '\0');
  // The engine leaves a file alone that was written less than two seconds ago.
  fs::last_write_time(file, fs::last_write_time(file) - std::chrono::hours(1));
  std::cout << "    settings.json now holds 60 zero bytes, as after a power failure elsewhere\n";
  engine.on_fault([](const safechunk::Error& error) {
    std::cout << "    on_fault: " << error.to_text() << "\n";
  });
  const auto settings = take(engine.fetch_chunk<Json>("settings"), "fetch_chunk");
  std::cout << "    fetch_chunk gives the newest good version: " << settings.dump() << "\n";
  expect(settings.at("version") == 2, "the wrong version");
  expect(read_file(file).find("dark") != std::string::npos, "the file was not healed");
  engine.on_fault(nullptr);
}

void compete(const std::string& folder) {
  title("4. A second writer is told who owns the project");
  EngineOptions options;
  options.base_dir = folder;
  std::cout.flush();
  const pid_t child = ::fork();
  if (child < 0) give_up("fork failed");
  if (child == 0) {
    const auto second = SafeChunkEngine::open(kProject, options);
    std::cout << "    second process: " << second.status().to_text() << std::endl;
    ::_exit(second.code() == safechunk::ErrorCode::locked ? 0 : 1);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) give_up("waitpid failed");
  expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "two owners");
}

void checkpoint_and_restore(SafeChunkEngine& engine,
                            const std::map<std::string, std::string>& tables) {
  title("5. A checkpoint is made, the data wrecked, and restored");
  const Stopwatch making;
  const auto name = take(engine.create_checkpoint("demo", 5, "before the accident"), "checkpoint");
  std::printf("    %s written and verified in %.1f ms\n", name.c_str(), making.milliseconds());
  for (const auto& [table, text] : tables) {
    check(engine.stage_update(Json{{"oops", true}}, table), "stage");
  }
  check(engine.remove_chunk("settings"), "remove_chunk");
  check(engine.force_sync(), "force_sync");
  std::cout << "    all tables overwritten, settings removed: iso_3166-1 is now "
            << take(engine.fetch_chunk<Json>("iso_3166-1"), "fetch").dump() << "\n";
  const Stopwatch restoring;
  check(engine.restore_checkpoint(name), "restore_checkpoint");
  std::printf("    restored in %.1f ms\n", restoring.milliseconds());
  for (const auto& [table, text] : tables) {
    expect(take(engine.fetch_chunk<Json>(table), "fetch") == Json::parse(text),
           "a table differs after the restore");
  }
  std::cout << "    every table is as it was; what was there before is in a checkpoint, too:\n";
  for (const auto& info : take(engine.list_checkpoints(), "list_checkpoints")) {
    std::cout << "      " << info.date << "  " << info.file_name << "  " << info.notes << "\n";
  }
}

// One of the two that count.
[[noreturn]] void count_up(const EngineOptions& options, int updates) {
  SafeChunkEngine engine("counters", options);
  check(engine.status(), "open shared");
  for (int n = 0; n < updates; ++n) {
    check(engine.update<int>("visits", [](int& visits) { ++visits; }), "update");
  }
  check(engine.detach(), "detach");
  ::_exit(0);
}

void count_together(const std::string& folder) {
  title("6. Two processes count to 2,000 together, and a third one watches");
  constexpr int kUpdates = 1000;  // of each
  fs::remove_all(fs::path(folder) / "counters");
  EngineOptions options;
  options.base_dir = folder;
  options.mode = safechunk::Mode::shared;
  SafeChunkEngine engine("counters", options);
  check(engine.stage_update(0, "visits"), "stage_update");
  auto changes =
      take(engine.watch({.delivery = safechunk::WatchOptions::Delivery::every}), "watch");
  std::cout.flush();
  const Stopwatch counting;
  for (int i = 0; i < 2; ++i) {
    const pid_t child = ::fork();
    if (child < 0) give_up("fork failed");
    if (child == 0) count_up(options, kUpdates);
  }
  for (int n = 0; n < 2 * kUpdates; ++n) {
    const auto change = take(changes.next(std::chrono::seconds(60)), "next");
    expect(change && change->origin == safechunk::ChangeOrigin::process, "a change was missed");
  }
  std::printf("    told of %d changes, one by one, in %.0f ms\n", 2 * kUpdates,
              counting.milliseconds());
  for (int i = 0; i < 2; ++i) {
    int status = 0;
    if (::wait(&status) < 0) give_up("wait failed");
    expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a process failed");
  }
  const int visits = take(engine.fetch_chunk<int>("visits"), "fetch");
  expect(visits == 2 * kUpdates, "an update was lost");
  std::cout << "    the counter is " << visits << "\n";
  check(engine.detach(), "detach");
}

// The child appends as fast as it can and tells each record's number through the pipe.
[[noreturn]] void append_for_ever(const std::string& folder, int pipe) {
  EngineOptions options;
  options.base_dir = folder;
  SafeChunkEngine engine("a_log", options);
  for (std::uint64_t i = 1;; ++i) {
    if (!engine.log("events").append(Json{{"record", i}}.dump()).ok()) ::_exit(1);
    if (::write(pipe, &i, sizeof i) != sizeof i) ::_exit(1);
  }
}

void kill_a_log_writer(const std::string& folder) {
  title("7. A log, whose writer is killed with SIGKILL");
  fs::remove_all(fs::path(folder) / "a_log");
  int ends[2];
  if (::pipe(ends) != 0) give_up("pipe failed");
  std::cout.flush();
  const pid_t child = ::fork();
  if (child < 0) give_up("fork failed");
  if (child == 0) {
    ::close(ends[0]);
    append_for_ever(folder, ends[1]);
  }
  ::close(ends[1]);
  std::uint64_t appended = 0;
  std::uint64_t record = 0;
  while (::read(ends[0], &record, sizeof record) == sizeof record) {
    appended = record;
    if (appended == 500 && ::kill(child, SIGKILL) != 0) give_up("kill failed");
  }
  ::close(ends[0]);
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFSIGNALED(status)) give_up("the writer failed");

  EngineOptions options;
  options.base_dir = folder;
  options.mode = safechunk::Mode::read;
  SafeChunkEngine engine("a_log", options);
  const auto page = take(engine.log("events").tail(3), "tail");
  for (const safechunk::LogRecord& found : page.records) std::cout << "    " << found.text << "\n";
  expect(!page.records.empty() && page.invalid == 0, "the log is damaged");
  // One more may have been appended than was told.
  expect(Json::parse(page.records.back().text).at("record").get<std::uint64_t>() >= appended,
         "a record was lost");
  std::printf("    all %llu records that were appended are there\n",
              static_cast<unsigned long long>(appended));
}

// The settings of an application stay at their own path. The child stages one edit and is killed.
void protect_a_settings_file(const std::string& folder) {
  title("8. A settings file stays where it is, and its writer is killed");
  const fs::path file = fs::path(folder) / "settings.json";
  fs::remove_all(fs::path(folder) / ".settings.json.safechunk");
  std::ofstream(file, std::ios::binary) << "{\n\t\"theme\": \"light\",\n\t\"size\": 3\n}";
  std::cout.flush();
  const pid_t child = ::fork();
  if (child < 0) give_up("fork failed");
  if (child == 0) {
    auto engine = take(SafeChunkEngine::open_file(file.string()), "open_file");
    const auto settings = take(engine.fetch_chunk<nlohmann::json>("settings"), "fetch_chunk");
    auto changed = settings;
    changed["size"] = 4;
    check(engine.stage_update(changed, engine.file_chunk()), "stage_update");
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFSIGNALED(status)) give_up("the writer failed");
  {
    auto engine = take(SafeChunkEngine::open_file(file.string()), "open_file");
    print_events(engine);
  }
  const std::string text = read_file(file);
  expect(text == "{\n\t\"theme\": \"light\",\n\t\"size\": 4\n}", "the file has another layout");
  std::cout << "    the edit is in the file, in the file's own layout:\n" << text << "\n";
  check(safechunk::release_place(file.string(), safechunk::PlaceKind::file), "release_place");
  std::cout << "    released: nothing but the file is left\n";
}

void report_health(SafeChunkEngine& engine) {
  title("9. Health");
  const auto health = take(engine.health_report(), "health_report");
  std::cout << "    active " << health.engine_active << ", dirty " << health.dirty_buffer
            << ", chunks " << health.shards << ", unfinished files " << health.orphaned_artifacts
            << ", disk used " << health.storage_usage << " %\n"
            << "    heals " << health.heals << ", files in quarantine " << health.quarantine_files
            << ", failed commits " << health.failed_commits << ", stamps "
            << health.stamps_supported << ", bytes written " << health.bytes_written << "\n";
  expect(take(engine.verify(), "verify").sound(), "verify found damage");
  std::cout << "    verify: every file is sound\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: demo FOLDER\n";
    return 2;
  }
  const Stopwatch all;
  const std::string folder = fs::absolute(argv[1]).string();
  fs::remove_all(fs::path(folder) / kProject);
  const auto tables = load_tables();
  EngineOptions options;
  options.base_dir = folder;
  {
    SafeChunkEngine engine(kProject, options);
    check(engine.status(), "open");
    save_tables(engine, tables);
    check(engine.detach(), "detach");
  }
  kill_in_a_burst(folder);
  SafeChunkEngine engine(kProject, options);
  check(engine.status(), "open");
  damage_and_heal(engine);
  compete(folder);
  checkpoint_and_restore(engine, tables);
  count_together(folder);
  kill_a_log_writer(folder);
  protect_a_settings_file(folder);
  report_health(engine);
  check(engine.detach(), "detach");
  std::printf("\nDone in %.1f s. Look at the files: %s/%s\n", all.milliseconds() / 1000,
              folder.c_str(), kProject);
  return 0;
}
