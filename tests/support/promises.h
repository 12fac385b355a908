// What the chunks of a project may be after any number of refusals and crashes, where every edit is
// judged for itself; history.h judges states as a whole.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace safechunk::test {

using Version = std::optional<std::string>;  // compact text, or nothing: the chunk is absent
using Found = std::map<std::string, Version>;

inline std::string describe(const Version& version) {
  return version ? version->substr(0, 12) : "absent";
}

class ChunkHistory {
 public:
  // The versions that a found text may be; none when it is older than what was promised.
  struct Span {
    std::size_t first;
    std::size_t last;
  };

  void begin(Version found) {
    entries_ = {{std::move(found), Standing::sure}};
    kept_ = 0;
  }
  // Before the engine hears of it: from then on it may happen.
  std::size_t issue(Version version) {
    entries_.push_back({std::move(version), Standing::sure});
    return entries_.size() - 1;
  }
  // The engine said that it has changed nothing.
  void refused() { entries_.pop_back(); }
  // It may be staged, or not.
  void doubted() { entries_.back().standing = Standing::doubtful; }
  // It is staged, and the journal does not have it.
  void in_memory() { entries_.back().standing = Standing::in_memory; }
  void memory_is_gone() {
    for (Entry& entry : entries_) {
      if (entry.standing == Standing::in_memory) entry.standing = Standing::doubtful;
    }
  }
  // From now on the newest version, or a later one, survives.
  void promised() { kept_ = std::max(kept_, newest()); }

  [[nodiscard]] std::optional<Span> survivors(const Version& found) const {
    return span_from(kept_, found);
  }
  // May a living owner, who forgets nothing, give this?
  [[nodiscard]] bool is_newest(const Version& given) const {
    return span_from(newest(), given).has_value();
  }
  [[nodiscard]] std::string describe_promise() const {
    return "version " + std::to_string(kept_) + " (" + describe(entries_[kept_].version) + ")";
  }

 private:
  enum class Standing { sure, in_memory, doubtful };
  struct Entry {
    Version version;
    Standing standing;
  };

  [[nodiscard]] std::size_t newest() const {
    std::size_t index = entries_.size() - 1;
    while (index > 0 && entries_[index].standing == Standing::doubtful) --index;
    return index;
  }
  [[nodiscard]] std::optional<Span> span_from(std::size_t begin, const Version& version) const {
    std::optional<Span> span;
    for (std::size_t i = begin; i < entries_.size(); ++i) {
      if (entries_[i].version != version) continue;
      if (!span) span = Span{i, i};
      span->last = i;
    }
    return span;
  }

  std::vector<Entry> entries_;
  std::size_t kept_ = 0;
};

class ProjectHistory {
 public:
  using Members = std::map<std::string, std::size_t>;  // chunk -> index of its version

  explicit ProjectHistory(const std::vector<std::string>& chunks) {
    for (const std::string& chunk : chunks) chunks_[chunk].begin(std::nullopt);
  }
  ChunkHistory& of(const std::string& chunk) { return chunks_.at(chunk); }
  void add_transaction(Members members) { transactions_.push_back(std::move(members)); }
  void drop_last_transaction() { transactions_.pop_back(); }
  void all_promised() {
    for (auto& [chunk, history] : chunks_) history.promised();
  }
  void memory_is_gone() {
    for (auto& [chunk, history] : chunks_) history.memory_is_gone();
  }

  // What is wrong with what the next owner found; empty when nothing is. Then it begins anew.
  std::string judge_and_restart(const Found& found) {
    std::map<std::string, ChunkHistory::Span> spans;
    for (const auto& [chunk, version] : found) {
      const auto span = of(chunk).survivors(version);
      if (!span) {
        return chunk + " is " + describe(version) + ", and not " + of(chunk).describe_promise() +
               " or a later one";
      }
      spans.emplace(chunk, *span);
    }
    for (const Members& members : transactions_) {
      if (is_half(members, spans)) return describe_half(members, found);
    }
    transactions_.clear();
    for (const auto& [chunk, version] : found) of(chunk).begin(version);
    return {};
  }

 private:
  using Spans = std::map<std::string, ChunkHistory::Span>;

  // Neither may all members, or what came after them, be there, nor may all be absent.
  static bool is_half(const Members& members, const Spans& spans) {
    bool all = true;
    bool none = true;
    for (const auto& [chunk, index] : members) {
      all = all && spans.at(chunk).last >= index;
      none = none && spans.at(chunk).first < index;
    }
    return !all && !none;
  }
  static std::string describe_half(const Members& members, const Found& found) {
    std::string text = "half a transaction:";
    for (const auto& [chunk, index] : members) {
      text += " version " + std::to_string(index) + " of " + chunk + ", which is " +
              describe(found.at(chunk)) + ";";
    }
    return text;
  }

  std::map<std::string, ChunkHistory> chunks_;
  std::vector<Members> transactions_;
};

}  // namespace safechunk::test
