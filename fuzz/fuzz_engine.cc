// Any sequence of calls of an engine, with faults of the file system, deaths of the process and
// power cuts between them: what is found afterwards is allowed by the history of what was staged
// and acknowledged.

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "fuzz_support.h"
#include "support/sim_file_system.h"
#include "support/workload.h"

using namespace safechunk;
using namespace safechunk::test;

namespace {

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
  [[nodiscard]] bool ended() const { return left_ == 0; }
  unsigned next() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

class Run {
 public:
  explicit Run(Bytes& bytes) : bytes_(bytes) {
    const unsigned kind = bytes_.next();
    durability_ = (kind & 1U) == 0 ? Durability::file : Durability::journal;
    disk_ = std::make_unique<SimFileSystem>((kind & 2U) == 0, (kind & 4U) == 0);
    attach();
  }

  void step() {
    const unsigned argument = bytes_.next();
    const bool crashes = argument % 11 == 8 || argument % 11 == 9;
    if (unsettled_ && !crashes) settle();
    switch (argument % 11) {
      case 0:
      case 1:
        expect(session_->put(chunk(argument / 11), text()));
        break;
      case 2:
        expect(session_->remove(chunk(argument / 11)));
        break;
      case 3:
        if (session_->sync().ok()) check_reads();
        break;
      case 4:
        transaction();
        break;
      case 5:
        checkpoint();
        break;
      case 6:
        restore();
        break;
      case 7:
        check_reads();
        break;
      case 8:
        crash(CrashModel::process);
        break;
      case 9:
        crash((argument & 16U) == 0 ? CrashModel::ordered : CrashModel::strict);
        break;
      default:
        fail_call(bytes_.next());
        break;
    }
  }

  // Whatever is left is in order, and a clean end and a new owner change nothing.
  void finish() {
    repair();
    require(session_->sync().ok());
    const ProjectState before = read();
    require(session_->engine().detach().ok());
    attach();
    require(read() == before);
    crash(CrashModel::strict);
  }

 private:
  static std::string chunk(unsigned number) { return std::string(1, "abc"[number % 3]); }
  std::string text() {
    const unsigned value = bytes_.next();
    std::string text = std::to_string(value % 4);
    return value < 200 ? text : '"' + std::string(600 * (value % 8 + 1), text[0]) + '"';
  }

  void attach() {
    disk_->set_hook(nullptr);
    session_ = std::make_unique<Session>(*disk_, history_, durability_, ++token_);
    require(session_->engine().is_active());
  }

  ProjectState read() { return session_->state(); }

  // The owner reads what it has staged: the state after every edit.
  void check_reads() {
    repair();
    const History history = history_.snapshot();
    require(history.allows(read(), false));
  }

  // An edit that failed is staged, but perhaps not in the journal: whether it happened is open
  // until the next crash or sync.
  void expect(const Status& status) {
    if (!status) unsettled_ = true;
  }

  void settle() {
    repair();
    require(session_->sync().ok());
    check_reads();
    unsettled_ = false;
  }

  void transaction() {
    History::Unit unit;
    for (const char* chunk : {"a", "b"}) unit[chunk] = text();
    expect(session_->transaction(unit));
  }

  void checkpoint() {
    const auto name = session_->checkpoint(3);
    if (!name) return;
    // What it holds is what is read now: nobody else is staging.
    repair();
    archive_ = *name;
    archived_ = read();
  }

  // It lands whole or, when it fails, perhaps not at all.
  void restore() {
    if (archive_.empty()) return;
    History::Unit unit = {{"a", {}}, {"b", {}}, {"c", {}}};
    for (const auto& [chunk, text] : archived_) unit[chunk] = text;
    history_.change([&](History& history) { history.issue(std::move(unit)); });
    const Status status = session_->engine().restore_checkpoint(archive_);
    repair();
    const bool happened = read() == archived_;
    require(happened || !status.ok());
    expect(status);
    history_.change([&](History& history) {
      if (!happened) history.refused();
      if (!status.ok()) return;
      history.staged();
      history.acknowledged();
    });
  }

  // The call after so many others fails: once, or with all that follow.
  void fail_call(unsigned how) {
    static constexpr int kErrors[] = {EIO, ENOSPC, EACCES, EROFS, EMFILE, EDQUOT, EINTR};
    const int error = kErrors[how % 7];
    const bool for_good = how % 2 == 0;
    const std::size_t broken = disk_->calls() + how / 14;
    disk_->set_hook([=](const SimCall& call) -> std::optional<int> {
      const bool hit = for_good ? call.number >= broken : call.number == broken;
      return hit ? std::optional(error) : std::nullopt;
    });
  }

  void repair() { disk_->set_hook(nullptr); }

  void crash(CrashModel model) {
    const History history = history_.snapshot();
    auto left = disk_->crash_clone(++token_, model);
    disk_->kill();
    session_.reset();
    disk_ = std::move(left);
    unsettled_ = false;
    archive_.clear();
    attach();
    const ProjectState found = read();
    require(history.allows(found, model != CrashModel::process));
    history_.change([&](History& changed) { changed.restart(found); });
  }

  Bytes& bytes_;
  Durability durability_ = Durability::file;
  SharedHistory history_;
  std::unique_ptr<SimFileSystem> disk_;
  std::unique_ptr<Session> session_;
  std::uint64_t token_ = 1;
  bool unsettled_ = false;
  std::string archive_;
  ProjectState archived_;
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(data, size);
  Run run(bytes);
  for (int steps = 0; steps < 40 && !bytes.ended(); ++steps) run.step();
  run.finish();
  return 0;
}
