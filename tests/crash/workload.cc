#include "crash/workload.h"

#include "engine/debounce.h"

namespace safechunk::test {

EngineOptions crash_test_options(Durability durability, const std::string& base_dir) {
  EngineOptions options;
  options.base_dir = base_dir;
  options.durability = durability;
  options.indent = 0;
  return options;
}

Session::Session(FileSystem& file_system, SharedHistory& history, Durability durability,
                 std::uint64_t token, const std::string& base_dir)
    : file_system_(file_system),
      folder_(base_dir + "/project"),
      history_(history),
      process_(4242, token),
      engine_(EngineAccess::construct("project", crash_test_options(durability, base_dir),
                                      Platform{file_system, clock_, process_})) {
  engine_.on_sync([this] {
    const std::lock_guard lock(mutex_);
    ++syncs_;
    synced_.notify_all();
  });
}

Status Session::put(const std::string& chunk, const std::string& text) {
  issue({{chunk, text}});
  Status status = engine_.stage_update(std::string_view(text), chunk);
  if (status.ok()) staged();
  return status;
}

Status Session::remove(const std::string& chunk) {
  issue({{chunk, std::nullopt}});
  Status status = engine_.remove_chunk(chunk);
  if (status.ok()) staged();
  return status;
}

Status Session::sync() {
  Status status = engine_.force_sync();
  if (status.ok()) acknowledged();
  // With Durability::journal the files follow in a pause: now and then, beside the edits that come.
  if (++pauses_ % 2 == 1) clock_.advance(Debounce::kQuiet);
  return status;
}

Status Session::transaction(const History::Unit& unit) {
  auto transaction = engine_.transaction();
  for (const auto& [chunk, text] : unit) {
    Status status =
        text ? transaction.stage(std::string_view(*text), chunk) : transaction.remove(chunk);
    if (!status) return status;
  }
  issue(unit);
  Status status = transaction.commit();
  if (status.ok()) {
    staged();
    acknowledged();
  }
  return status;
}

Result<std::string> Session::checkpoint(int retention) {
  history_.change(
      [&](History& history) { history.begin_checkpoint(static_cast<std::size_t>(retention)); });
  auto name = engine_.create_checkpoint("crash", retention);
  if (name) {
    history_.change([&](History& history) { history.made_checkpoint(*name); });
    acknowledged();
  }
  return name;
}

Status Session::restore(const std::string& name, const ProjectState& expected) {
  History::Unit unit;
  const auto present = engine_.list_chunks();
  if (!present) return present.status();
  for (const std::string& chunk : *present) unit[chunk] = std::nullopt;
  for (const auto& [chunk, text] : expected) unit[chunk] = text;
  issue(unit);
  Status status = engine_.restore_checkpoint(name);
  if (status.ok()) {
    staged();
    acknowledged();
  } else {
    // Refused, or staged and to be retried? Reading what is staged needs no disk.
    const auto& [chunk, text] = *expected.begin();
    const auto found = engine_.find_chunk(chunk);
    const bool happened = found && *found && **found == text + "\n";
    if (!happened) history_.change([](History& history) { history.refused(); });
  }
  return status;
}

ProjectState Session::state() {
  ProjectState state;
  for (const std::string& chunk : engine_.list_chunks().value()) {
    std::string text = engine_.fetch_chunk(chunk).value();
    if (text.ends_with('\n')) text.pop_back();
    state[chunk] = text;
  }
  return state;
}

void Session::let_the_worker_save(std::chrono::milliseconds by) {
  clock_.await_waiter();
  std::unique_lock lock(mutex_);
  const std::uint64_t before = syncs_;
  lock.unlock();
  clock_.advance(by);
  lock.lock();
  synced_.wait(lock, [&] { return syncs_ > before; });
  acknowledged();
}

void Session::damage_and_fetch(const std::string& chunk, const std::string& previous) {
  (void)checkpoint(1);  // whatever the durability, the files are there now
  auto folder = file_system_.open_directory(folder_ + "/chunks").value();
  auto file = folder->open(chunk + ".json", OpenMode::read_write).value();
  // From here on the newest version may be gone (the journal may still have it), and the one before
  // may be what is left. Neither is acknowledged by this.
  history_.change([&](History& history) { history.damaged(chunk); });
  issue({{chunk, previous}});
  file->truncate(1).throw_if_error();
  file->sync().throw_if_error();
  (void)engine_.fetch_chunk(chunk).value();
}

namespace {

std::string number(int value) {
  return std::to_string(value);
}

void first_creation(Session& session) {
  (void)session.put("a", "1");
  (void)session.sync();
}

void many_updates(Session& session) {
  for (int round = 1; round <= 20; ++round) {
    for (const char* chunk : {"a", "b", "c"}) (void)session.put(chunk, number(round));
    if (round % 3 == 0) (void)session.sync();
  }
}

void bursts(Session& session) {
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) (void)session.put(i % 2 == 0 ? "a" : "b", number(round * 10 + i));
    session.let_the_worker_save(std::chrono::seconds(1));
  }
}

// Back to an older version, a removal and a new creation: what an old journal could get wrong.
void back_and_forth(Session& session) {
  for (const char* text : {"1", "2", "1", "3", "1"}) {
    (void)session.put("a", text);
    (void)session.sync();
  }
  (void)session.put("a", "9");
  (void)session.put("a", "1");
  (void)session.sync();
  (void)session.remove("a");
  (void)session.sync();
  (void)session.put("b", "5");
  (void)session.sync();
  (void)session.put("a", "1");
  (void)session.sync();
  (void)session.remove("a");
  (void)session.put("a", "2");
  (void)session.sync();
}

void transactions(Session& session) {
  (void)session.transaction({{"from", "100"}, {"to", "0"}});
  (void)session.transaction({{"from", "70"}, {"to", "30"}});
  (void)session.put("from", "60");
  (void)session.transaction({{"from", std::nullopt}, {"to", "90"}, {"log", "[1]"}});
  (void)session.transaction({{"from", "1"}, {"to", std::nullopt}});
}

void checkpoints(Session& session) {
  for (int round = 1; round <= 4; ++round) {
    (void)session.put("a", number(round));
    (void)session.put("b", number(round));
    (void)session.checkpoint(2);
  }
}

void heals(Session& session) {
  for (const char* text : {"1", "2"}) {
    (void)session.put("a", text);
    (void)session.sync();
  }
  session.damage_and_fetch("a", "1");
  (void)session.put("a", "3");
  (void)session.sync();
}

void restores(Session& session) {
  (void)session.put("a", "1");
  (void)session.put("b", "1");
  const auto name = session.checkpoint(5);
  (void)session.put("a", "2");
  (void)session.put("c", "2");
  (void)session.remove("b");
  (void)session.sync();
  if (name) (void)session.restore(*name, {{"a", "1"}, {"b", "1"}});
  (void)session.put("c", "3");
  (void)session.sync();
}

}  // namespace

void write_and_remove_large_chunks(Session& session) {
  const auto large = [](char c) { return '"' + std::string(900, c) + '"'; };
  for (int round = 0; round < 2; ++round) {
    (void)session.put("a", large(static_cast<char>('a' + round)));
    (void)session.sync();
    (void)session.remove("a");
    (void)session.sync();
    (void)session.put("b", large(static_cast<char>('m' + round)));
    (void)session.sync();
  }
}

namespace {

// What the journal of before could undo: edits back to what the file has, of which only the journal
// knows the last; and single edits, whose journal need not be durable, behind a set, whose must.
void returns(Session& session) {
  const std::string large = '"' + std::string(900, 'x') + '"';
  for (const char* other : {"1", "2"}) {
    (void)session.put("a", large);
    (void)session.sync();
    (void)session.put("a", other);
    (void)session.put("a", large);
    (void)session.sync();
    (void)session.put("b", large);
    (void)session.sync();
  }
  for (const char* text : {"1", "2"}) {
    (void)session.transaction({{"a", text}, {"b", text}});
  }
  for (const char* text : {"1", "2", "1"}) {
    (void)session.put("a", text);
    (void)session.sync();
  }
  (void)session.transaction({{"a", std::nullopt}, {"b", "1"}});
  (void)session.put("a", "1");
  (void)session.sync();
}

}  // namespace

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> kAll = {{"W1_first_creation", first_creation},
                                             {"W2_many_updates", many_updates},
                                             {"W3_bursts", bursts},
                                             {"W4_back_and_forth", back_and_forth},
                                             {"W5_transactions", transactions},
                                             {"W6_checkpoints", checkpoints},
                                             {"W7_heals", heals},
                                             {"W8_restores", restores},
                                             {"W9_large", write_and_remove_large_chunks},
                                             {"W10_returns", returns}};
  return kAll;
}

}  // namespace safechunk::test
