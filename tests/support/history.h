// What a workload did to an engine, so that a recovered project can be judged: it must equal the
// state after some first edits, not fewer than were acknowledged.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace safechunk::test {

using ProjectState = std::map<std::string, std::string>;  // chunk -> compact text

// Not for use by several threads; see SharedHistory.
class History {
 public:
  // Edits that happen together; no text is a removal.
  using Unit = std::map<std::string, std::optional<std::string>>;

  void issue(Unit unit) {
    for (const auto& [chunk, text] : unit) {
      if (text) versions_[chunk].insert(*text);
    }
    units_.push_back(std::move(unit));
  }
  // A new owner has opened the project and found `state`, durably. Checkpoints stay promised.
  void restart(const ProjectState& state) {
    Unit unit;
    for (const auto& [chunk, text] : state) unit[chunk] = text;
    units_.clear();
    not_kept_.clear();
    issue(std::move(unit));
    staged();
    acknowledged();
  }
  // The last unit was refused: it will never happen.
  void refused() { units_.pop_back(); }
  // The last unit is staged, but its caller was told that the journal does not keep it: until it is
  // acknowledged, a crash may lose it and keep later ones.
  void not_kept() { not_kept_.insert(units_.size() - 1); }
  void staged() { staged_ = units_.size(); }
  void acknowledged() { acknowledged_ = staged_; }
  // Only what was staged at a moment when there were so many units.
  void acknowledged(std::size_t units) { acknowledged_ = std::max(acknowledged_, units); }
  [[nodiscard]] std::size_t staged_units() const { return staged_; }
  // A checkpoint is being made: from now on only the newest of the others, with it as many as
  // `retention`, must stay.
  void begin_checkpoint(std::size_t retention) {
    if (checkpoints_.size() >= retention) {
      checkpoints_.erase(checkpoints_.begin(),
                         checkpoints_.end() - static_cast<std::ptrdiff_t>(retention - 1));
    }
  }
  void made_checkpoint(const std::string& file) { checkpoints_.push_back(file); }
  // Archives that must be there, whatever happens.
  [[nodiscard]] const std::vector<std::string>& checkpoints() const { return checkpoints_; }
  // An accident, not an edit: bytes that may stand in the chunk's file although nobody staged them.
  // They are no version, and must not become a backup.
  void damaged(const std::string& chunk, const std::string& bytes) {
    damaged_[chunk].insert(bytes);
  }
  [[nodiscard]] bool is_damage(const std::string& chunk, const std::string& bytes) const {
    const auto found = damaged_.find(chunk);
    return found != damaged_.end() && found->second.contains(bytes);
  }

  [[nodiscard]] std::size_t first_allowed(bool power_cut) const {
    return power_cut ? acknowledged_ : staged_;
  }

  // Without those from `lost_from` on that the journal does not keep.
  [[nodiscard]] ProjectState state_after(std::size_t count, std::size_t lost_from) const {
    ProjectState state;
    for (std::size_t i = 0; i < count; ++i) {
      if (i >= lost_from && not_kept_.contains(i)) continue;
      for (const auto& [chunk, text] : units_[i]) {
        if (text) {
          state[chunk] = *text;
        } else {
          state.erase(chunk);
        }
      }
    }
    return state;
  }

  // Is this the state after `first_allowed` or more edits?
  [[nodiscard]] bool allows(const ProjectState& state, bool power_cut) const {
    for (std::size_t count = first_allowed(power_cut); count <= units_.size(); ++count) {
      if (state_after(count, count) == state) return true;
      for (auto lost = not_kept_.lower_bound(acknowledged_); lost != not_kept_.end(); ++lost) {
        if (state_after(count, *lost) == state) return true;
      }
    }
    return false;
  }

  // G2: may these bytes be in the chunk's file, or its backup?
  [[nodiscard]] bool is_version(const std::string& chunk, std::string bytes) const {
    if (!bytes.ends_with('\n')) return false;
    bytes.pop_back();
    const auto found = versions_.find(chunk);
    return found != versions_.end() && found->second.contains(bytes);
  }

  [[nodiscard]] std::string describe() const {
    return std::to_string(units_.size()) + " issued, " + std::to_string(staged_) + " staged, " +
           std::to_string(acknowledged_) + " acknowledged";
  }

 private:
  std::vector<Unit> units_;
  std::set<std::size_t> not_kept_;
  std::map<std::string, std::set<std::string>> versions_;
  std::map<std::string, std::set<std::string>> damaged_;
  std::vector<std::string> checkpoints_;
  std::size_t staged_ = 0;
  std::size_t acknowledged_ = 0;
};

// A history that one thread writes while another one judges. An edit is issued before the engine
// hears of it and marked afterwards, so a snapshot never claims too much.
class SharedHistory {
 public:
  template <typename Change>
  void change(Change change) {
    const std::lock_guard lock(mutex_);
    change(history_);
  }
  [[nodiscard]] History snapshot() const {
    const std::lock_guard lock(mutex_);
    return history_;
  }

 private:
  mutable std::mutex mutex_;
  History history_;
};

}  // namespace safechunk::test
