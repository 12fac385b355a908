#include "support/workload.h"

#include "engine/schedule.h"
#include "support/place.h"

namespace safechunk::test {

EngineOptions crash_test_options(Durability durability, const std::string& base_dir, Mode mode) {
  EngineOptions options;
  options.base_dir = base_dir;
  options.durability = durability;
  options.indent = 0;
  options.mode = mode;
  return in_this_place(options);
}

namespace {

// Of the chunks, those that may be in this place.
template <typename Chunks>
Chunks those_here(Chunks chunks) {
  std::erase_if(chunks, [](const auto& chunk) { return !may_be_here(chunk.first); });
  return chunks;
}

EngineOptions session_options(Durability durability, const std::string& base_dir,
                              std::uint64_t journal_limit, Mode mode) {
  EngineOptions options = crash_test_options(durability, base_dir, mode);
  options.journal_limit = journal_limit;
  options.lock_timeout = std::chrono::milliseconds(0);  // nobody holds the lock between turns
  return options;
}

}  // namespace

Session::Session(FileSystem& file_system, SharedHistory& history, Durability durability,
                 std::uint64_t token, const std::string& base_dir, std::uint64_t journal_limit,
                 SessionPlace place)
    : file_system_(file_system),
      base_dir_(base_dir),
      durability_(durability),
      place_(std::move(place)),
      folder_(base_dir + "/project/"),
      history_(history),
      journal_limit_(journal_limit),
      hooked_(file_system,
              [this](const char* verb) {
                if (std::string_view(verb) == "set_attribute" && armed_.exchange(false)) {
                  meanwhile_();
                }
              }),
      process_(place_.pid, token, place_.boot),
      engine_(EngineAccess::construct(
          project_id(), session_options(durability, base_dir, journal_limit, place_.mode),
          Platform{hooked_, clock_, process_})) {
  engine_.on_sync([this] { note_sync(); });
}

Session::Session(Session& first, Mode mode, std::uint64_t token)
    : Session(first.file_system_, first.history_, first.durability_, token, first.base_dir_,
              first.journal_limit_,
              {mode, first.place_.pid + static_cast<std::int64_t>(token), first.place_.boot}) {}

class Session::Call {
 public:
  explicit Call(Session& session) : session_(session), staged_(session.staged_units()) {
    const std::lock_guard lock(session_.mutex_);
    session_.calls_[std::this_thread::get_id()] = staged_;
  }
  ~Call() {
    const std::lock_guard lock(session_.mutex_);
    session_.calls_.erase(std::this_thread::get_id());
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // What was staged when it began, and no more: another thread may have staged since.
  void acknowledged() const {
    session_.history_.change([this](History& history) { history.acknowledged(staged_); });
  }

 private:
  Session& session_;
  const std::size_t staged_;
};

std::size_t Session::staged_units() const {
  std::size_t units = 0;
  history_.change([&](const History& history) { units = history.staged_units(); });
  return units;
}

// What a commit of the worker has saved is not known here: its waiter says so.
void Session::note_sync() {
  const std::lock_guard lock(mutex_);
  ++syncs_;
  const auto call = calls_.find(std::this_thread::get_id());
  if (call == calls_.end()) return;
  history_.change([&](History& history) { history.acknowledged(call->second); });
}

Status Session::put(const std::string& chunk, const std::string& text) {
  if (!may_be_here(chunk)) return {};
  const Call call(*this);
  issue({{chunk, text}});
  Status status = engine_.stage_update(std::string_view(text), chunk);
  answered(status, {{chunk, text}});
  return status;
}

Status Session::set_value(const std::string& chunk, const std::string& pointer,
                          const std::string& value, const std::string& text) {
  if (!may_be_here(chunk)) return {};
  const Call call(*this);
  issue({{chunk, text}});
  Status status = engine_.stage_value(chunk, pointer, value);
  answered(status, {{chunk, text}});
  return status;
}

Status Session::merge(const std::string& chunk, const std::string& patch, const std::string& text) {
  if (!may_be_here(chunk)) return {};
  const Call call(*this);
  issue({{chunk, text}});
  Status status = engine_.stage_merge(chunk, patch);
  answered(status, {{chunk, text}});
  return status;
}

Status Session::remove(const std::string& chunk) {
  if (!may_be_here(chunk)) return {};
  const Call call(*this);
  issue({{chunk, std::nullopt}});
  Status status = engine_.remove_chunk(chunk);
  answered(status, {{chunk, std::nullopt}});
  return status;
}

Status Session::update(const std::string& chunk, const std::string& text) {
  if (!may_be_here(chunk)) return {};
  const Call call(*this);
  issue({{chunk, text}});
  Status status =
      engine_.update(chunk, [&](const ChunkRead&) -> Result<std::string> { return text; });
  answered(status, {{chunk, text}});
  return status;
}

Status Session::sync() {
  const Call call(*this);
  Status status = engine_.force_sync();
  if (status.ok()) call.acknowledged();
  // With Durability::journal the files follow in a pause: now and then, beside the edits that come.
  if (++pauses_ % 2 == 1) clock_.advance(Debounce::kQuiet);
  return status;
}

Status Session::transaction(const History::Unit& all) {
  const auto unit = those_here(all);
  if (unit.empty()) return {};
  const Call call(*this);
  auto transaction = engine_.transaction();
  for (const auto& [chunk, text] : unit) {
    Status status =
        text ? transaction.stage(std::string_view(*text), chunk) : transaction.remove(chunk);
    if (!status) return status;
  }
  issue(unit);
  Status status = transaction.commit();
  answered(status, unit);
  if (status.ok()) acknowledged();
  return status;
}

Result<std::string> Session::checkpoint(int retention) {
  const Call call(*this);
  history_.change(
      [&](History& history) { history.begin_checkpoint(static_cast<std::size_t>(retention)); });
  auto name = engine_.create_checkpoint("crash", retention);
  if (name) {
    history_.change([&](History& history) { history.made_checkpoint(*name); });
    call.acknowledged();
  }
  return name;
}

Status Session::restore(const std::string& name, const ProjectState& all) {
  const auto expected = those_here(all);
  const Call call(*this);
  History::Unit unit;
  const auto present = engine_.list_chunks();
  if (!present) return present.status();
  for (const std::string& chunk : *present) unit[chunk] = std::nullopt;
  for (const auto& [chunk, text] : expected) unit[chunk] = text;
  issue(unit);
  Status status = engine_.restore_checkpoint(name);
  answered(status, History::Unit(expected.begin(), expected.end()));
  if (status.ok()) acknowledged();
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
  const std::size_t staged_before = staged_units();
  std::unique_lock lock(mutex_);
  const std::uint64_t syncs_before = syncs_;
  lock.unlock();
  clock_.advance(by);
  clock_.await_waiter();  // it waits again: whatever was due is done
  lock.lock();
  if (syncs_ == syncs_before) return;
  history_.change([&](History& history) { history.acknowledged(staged_before); });
}

bool Session::shows(const std::string& chunk, const std::optional<std::string>& text) {
  const auto found = engine_.find_chunk(chunk);
  if (!found) return false;
  return text ? *found && **found == *text + "\n" : !*found;
}

// What failed was refused, or staged and is to be retried. What is staged needs no disk to be read;
// but a shared engine has it in the journal only, and until that can be read nobody knows.
void Session::answered(const Status& status, const History::Unit& unit) {
  const bool is_shared = place_.mode == Mode::shared;
  if (status.ok()) {
    staged();
    if (is_shared) acknowledged();
    return;
  }
  const auto& [chunk, text] = *unit.begin();
  const bool is_staged = shows(chunk, text) || (is_shared && !engine_.find_chunk(chunk).ok());
  history_.change([&](History& history) { is_staged ? history.not_kept() : history.refused(); });
}

void Session::let_the_worker_save_beside(const std::string& chunk, const std::string& small,
                                         const std::string& large) {
  std::thread other;
  std::atomic<bool> returned{false};
  meanwhile_ = [&] {
    // This is the thread that commits: it must not be told to commit because of its own edit.
    const auto health = engine_.health_report();
    if (!health || health->journal_bytes + small.size() + 100 > journal_limit_) return;
    if (!put(chunk, small).ok()) return;
    other = std::thread([&] {
      (void)put(chunk, large);
      returned = true;
    });
    while (!returned && !shows(chunk, large)) std::this_thread::yield();
  };
  clock_.await_waiter();  // what became due before is done
  armed_ = true;
  let_the_worker_save(std::chrono::seconds(1));
  armed_ = false;
  if (other.joinable()) other.join();
}

void Session::damage_and_fetch(const std::string& chunk, const std::string& previous) {
  if (!checkpoint(1)) return;  // whatever the durability, the files are there now
  auto backups = file_system_.open_directory(lies_at(folder_ + "chunks_bak"));
  if (!backups || !(*backups)->stat(chunk + ".bak").ok()) return;  // a commit has failed before
  auto folder = file_system_.open_directory(lies_at(folder_ + "chunks"));
  if (!folder) return;
  auto file = (*folder)->open(chunk + ".json", OpenMode::read_write);
  if (!file) return;
  std::string first(1, ' ');
  if (auto count = (*file)->read_at(0, first); !count || *count != 1) return;
  // From here on the newest version may be gone (the journal may still have it), and the one before
  // may be what is left. Neither is acknowledged by this.
  history_.change([&](History& history) { history.damaged(chunk, first); });
  issue({{chunk, previous}});
  (void)(*file)->truncate(1);
  (void)(*file)->sync();
  // After a power cut the journal may still have the newest version.
  if (shows(chunk, previous)) staged();
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
  (void)session.transaction({{"a", "100"}, {"b", "0"}});
  (void)session.transaction({{"a", "70"}, {"b", "30"}});
  (void)session.put("a", "60");
  (void)session.transaction({{"a", std::nullopt}, {"b", "90"}, {"c", "[1]"}});
  (void)session.transaction({{"a", "1"}, {"b", std::nullopt}});
}

void checkpoints(Session& session) {
  for (int round = 1; round <= 4; ++round) {
    (void)session.put("a", number(round));
    (void)session.put("b", number(round));
    (void)session.checkpoint(2);
  }
}

void heals(Session& session) {
  (void)session.put("a", "[1]");
  (void)session.checkpoint(2);  // so that the file holds it, and then the backup
  (void)session.put("a", "[2]");
  (void)session.sync();
  session.damage_and_fetch("a", "[1]");
  (void)session.put("a", "[3]");
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

std::string text_of(char c, std::size_t size) {
  return '"' + std::string(size, c) + '"';
}

// Files of several pages, and a record in the journal that is more than a small one.
void several_pages(Session& session) {
  constexpr std::size_t kThreePages = 3 * 4096 - 100;
  for (const char c : {'a', 'b'}) {
    (void)session.put("a", text_of(c, kThreePages));
    (void)session.sync();
  }
  (void)session.transaction({{"a", text_of('c', 17 << 10U)}, {"b", text_of('d', kThreePages)}});
  (void)session.put("a", text_of('e', kThreePages));
  (void)session.put("b", "1");
  (void)session.sync();
  (void)session.put("b", text_of('f', 17 << 10U));
  (void)session.remove("a");
  (void)session.sync();
}

// Edits past the journal's limit force commits, and it is cut while others are staged.
void small_journal(Session& session) {
  for (const char c : {'p', 'q'}) {
    (void)session.put("a", text_of(c, 40));
    session.let_the_worker_save_beside("b", text_of(c, 50), text_of(c, 500));
    (void)session.put("c", text_of(c, 20));
    (void)session.put("a", text_of(c, 500));
    (void)session.put("a", text_of(c, 30));
    (void)session.sync();
  }
}

// Edits of parts: upon a file, upon each other, upon a whole text that is only staged, upon a chunk
// that is not there, and around a removal. Each text differs, so that each can be told.
void parts(Session& session) {
  const std::string padding = text_of('p', 300);  // the record of the whole text spans sectors
  const auto whole = [&](const std::string& x, const std::string& y) {
    return "{\"x\":" + x + ",\"pad\":" + padding + ",\"y\":" + y + "}";
  };
  (void)session.set_value("b", "/x", "1", "{\"x\":1}");
  (void)session.put("a", whole("0", "0"));
  (void)session.sync();
  (void)session.set_value("a", "/x", "1", whole("1", "0"));
  (void)session.set_value("a", "/y", "1", whole("1", "1"));
  (void)session.sync();
  (void)session.merge("a", "{\"x\":2,\"y\":2}", whole("2", "2"));
  (void)session.set_value("b", "/x", "2", "{\"x\":2}");
  (void)session.sync();
  (void)session.put("a", whole("3", "3"));
  (void)session.set_value("a", "/y", "[4]", whole("3", "[4]"));
  (void)session.set_value("b", "/y", "3", "{\"x\":2,\"y\":3}");
  (void)session.remove("b");
  (void)session.set_value("b", "/z", "4", "{\"z\":4}");
  (void)session.sync();
  (void)session.set_value("a", "/y/0", "5", whole("3", "[5]"));
}

// Two processes in turn, and an owner between them. The chunks go back to older versions, which
// different processes have written: an old record of the journal may be based on the present text.
void in_turn(Session& one) {
  const std::string large = text_of('x', 900);  // its record spans sectors
  Session two(one, Mode::shared, 7);
  (void)one.put("a", "1");
  (void)two.put("b", "1");
  (void)two.put("a", large);
  (void)one.update("a", "1");
  (void)two.update("a", "2");
  (void)one.transaction({{"a", "1"}, {"b", "2"}});
  (void)two.transaction({{"a", large}, {"b", "1"}});
  (void)one.put("a", "1");
  (void)two.remove("b");
  (void)one.put("b", "1");
  (void)two.transaction({{"a", std::nullopt}, {"b", "2"}});
  (void)one.set_value("c", "/x", "1", "{\"x\":1}");
  {
    Session owner(one, Mode::owner, 11);
    (void)owner.put("a", "2");
    (void)owner.sync();
    (void)owner.put("b", "1");
  }
  (void)two.update("b", "2");
  (void)one.update("b", "1");
  (void)two.remove("a");
  (void)one.transaction({{"a", "2"}, {"b", "2"}});
}

void more_than_a_piece(Session& session) {
  (void)session.put("a", "1");
  (void)session.sync();
  (void)session.put("a", text_of('x', (1U << 20U) + 5000));
  (void)session.sync();
  (void)session.put("a", "2");
  (void)session.sync();
}

}  // namespace

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> kAll = {
      {"W1_first_creation", first_creation},
      {"W2_many_updates", many_updates},
      {"W3_bursts", bursts},
      {"W4_back_and_forth", back_and_forth},
      {"W5_transactions", transactions},
      {"W6_checkpoints", checkpoints},
      {"W7_heals", heals},
      {"W8_restores", restores},
      {"W9_large", write_and_remove_large_chunks},
      {"W10_returns", returns},
      {"W11_several_pages", several_pages},
      {"W12_small_journal", small_journal, 400},
      {"W14_parts", parts},
      {"W15_shared", in_turn, Session::kJournalLimit, Mode::shared}};
  return kAll;
}

const Workload& longest_workload() {
  static const Workload kLongest = {"W13_more_than_a_piece", more_than_a_piece};
  return kLongest;
}

}  // namespace safechunk::test
