#include "storage/project/replay_plan.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>

#include "base/chunk_name.h"
#include "base/limits.h"
#include "json/format.h"
#include "json/member.h"
#include "json/scan.h"
#include "storage/files/inspection.h"
#include "storage/files/project_layout.h"
#include "storage/journal/pending.h"
#include "storage/project/lock.h"

namespace safechunk {
namespace {

// All edits of a chunk, in their order.
struct Chain {
  struct Source {
    std::shared_ptr<JournalRecord> record;
    std::size_t operation = 0;

    [[nodiscard]] const JournalOperation& edit() const { return record->operations()[operation]; }
  };
  std::vector<JournalLink> links;
  std::vector<Source> sources;  // of the usable links
  PlannedChunk last;
};

JournalLink link_of(const JournalRecord& record, std::size_t index) {
  const JournalOperation& operation = record.operations()[index];
  return {record.sequence(), operation.removal, operation.base, operation.text_digest};
}

// A journal is hostile until checked, whatever its checksums say. But the next owner replays what
// this one has accepted, whatever its limits for new texts are (G3).
Status check_edit(const JournalRecord& record, std::size_t index, const ChunkNaming& naming) {
  const JournalOperation& operation = record.operations()[index];
  Status status = naming.check(operation.chunk);
  if (!status || operation.removal) return status;
  if (operation.part) return json::check(record.part(index), {.depth_limit = limits::kDepth});
  return json::validate(record.text(index), {.depth_limit = limits::kDepth, .lenient = true});
}

class Planning {
 public:
  Planning(const ProjectFolders& folders, const TextSettings& settings, std::uint32_t token)
      : folders_(folders), settings_(settings), token_(token) {
    // What an earlier recovery committed is known again, whatever its depth and size.
    settings_.depth_limit = limits::kDepth;
    settings_.size_limit = std::numeric_limits<std::uint64_t>::max();
  }

  Result<ReplayPlan> run(const std::vector<std::shared_ptr<JournalRecord>>& records) {
    for (const auto& record : records) add(record);
    std::erase_if(chains_, [](const auto& entry) { return entry.second.last.record == nullptr; });
    std::set<const JournalRecord*> in_conflict;
    for (auto& [chunk, chain] : chains_) {
      if (Status status = decide(chunk, chain); !status) return status;
      if (chain.last.replay == Replay::conflict) in_conflict.insert(chain.last.record.get());
    }
    for (auto& [chunk, chain] : chains_) {
      // Edits of one record land together or not at all (G4).
      if (chain.last.replay == Replay::stage && in_conflict.contains(chain.last.record.get())) {
        chain.last.replay = Replay::conflict;
        chain.last.conflict = "another file was changed after a transaction of both was staged";
      }
      plan_.chunks.emplace(chunk, std::move(chain.last));
    }
    return std::move(plan_);
  }

 private:
  void add(const std::shared_ptr<JournalRecord>& record) {
    std::vector<std::size_t> usable;
    for (std::size_t i = 0; i < record->operations().size(); ++i) {
      if (Status status = check_edit(*record, i, folders_.naming); status.ok()) {
        usable.push_back(i);
      } else {
        plan_.unusable.push_back({record, i, status});
        // Other edits may be based on it, but it is never the last one.
        auto& links = chains_[record->operations()[i].chunk].links;
        links.insert(links.end() - (links.empty() ? 0 : 1), link_of(*record, i));
      }
    }
    if (usable.empty()) return;
    auto kept = record;
    if (usable.size() < record->operations().size()) {
      kept = std::make_shared<JournalRecord>();
      for (const std::size_t i : usable) kept->add_copy(*record, i);
    }
    for (std::size_t i = 0; i < usable.size(); ++i) {
      Chain& chain = chains_[kept->operations()[i].chunk];
      chain.links.push_back(link_of(*kept, i));
      chain.sources.push_back({kept, i});
      chain.last.record = kept;
      chain.last.operation = i;
    }
    plan_.records.push_back(std::move(kept));
  }

  Status decide(const std::string& chunk, Chain& chain) {
    const Inspection inspection =
        inspect_file(*folders_.chunks, folders_.naming.file_of(chunk), chunk, settings_);
    // Trouble that stays with this chunk does not close the project. After a failure of the moment
    // an old journal could roll back a file that is merely unreadable now: nothing can be decided.
    const bool unreadable = inspection.health == FileHealth::unreadable;
    if (unreadable && !will_last(inspection.reason)) return inspection.reason;
    ChunkOnDisk disk;
    disk.health = inspection.health;
    disk.stamp = inspection.stamp;
    if (inspection.usable()) disk.text_digest = inspection.text_digest(settings_);
    if (folders_.backups != nullptr) {
      auto backup = folders_.backups->stat(layout::backup_file(chunk));
      if (!backup && backup.code() != ErrorCode::not_found) return backup.status();
      disk.has_backup = backup.ok();
    }
    PlannedChunk& last = chain.last;
    last.replay = decide_replay(disk, chain.links, token_);
    last.conflict = unreadable
                        ? "the file cannot be read (" + inspection.reason.error().message + ")"
                        : "the file was changed after this was staged";
    if (!apply_parts(chain, inspection, disk.text_digest)) {
      if (last.replay != Replay::conflict) {
        last.conflict = "the version that an edit of a part is based on is not there any more";
      }
      last.replay = Replay::conflict;
      last.unapplied = to_json(chain.sources);
    }
    last.info = inspection.info;
    last.text_digest = inspection.usable() ? disk.text_digest : kAbsentDigest;
    last.seen = inspection.health == FileHealth::good || !inspection.usable() ||
                std::ranges::any_of(chain.links, [&](const JournalLink& link) {
                  return link.base == disk.text_digest || link.text_digest == disk.text_digest;
                });
    return {};
  }

  // Gives the last edit its text, when it is one of a part: applies all such edits since the last
  // whole text, or since the version on disk. False when none of them is the base.
  bool apply_parts(Chain& chain, const Inspection& disk, const Digest& disk_digest) const {
    const auto& sources = chain.sources;
    if (!sources.back().edit().part || chain.last.replay == Replay::nothing) return true;
    std::string text;
    std::size_t next = sources.size();
    for (bool found = false; !found;) {
      if (next == 0) return false;
      const JournalOperation& edit = sources[--next].edit();
      found = true;
      if (!edit.part) {
        text = edit.removal ? json::format("{}", settings_.indent) : whole_text(sources[next]);
        ++next;
      } else if (edit.base.is_absent() && disk.health == FileHealth::missing) {
        text = json::format("{}", settings_.indent);
      } else if (disk.usable() && edit.base == disk_digest) {
        text = disk.bytes;
      } else if (disk.usable() && edit.text_digest == disk_digest) {
        text = disk.bytes;
        ++next;
      } else {
        found = false;
      }
    }
    return apply_from(sources, next, std::move(text));
  }

  bool apply_from(const std::vector<Chain::Source>& sources, std::size_t next,
                  std::string text) const {
    for (; next < sources.size(); ++next) {
      auto result = json::apply(text, sources[next].record->part(sources[next].operation),
                                {.indent = settings_.indent, .depth_limit = limits::kDepth});
      if (!result) return false;
      text = *std::move(result);
      if (digest_of_compact(text, settings_) != sources[next].edit().text_digest) return false;
    }
    const Chain::Source& last = sources.back();
    last.record->set_result(last.operation, std::move(text), last.edit().text_digest, true);
    return true;
  }

  [[nodiscard]] std::string whole_text(const Chain::Source& source) const {
    const std::string_view text = source.record->text(source.operation);
    return source.edit().verbatim ? std::string(text)
                                  : json::format(text, settings_.indent, settings_.size_limit);
  }

  // All edits since the last whole text, that one included, in their order.
  static std::string to_json(const std::vector<Chain::Source>& sources) {
    std::size_t first = sources.size() - 1;
    while (first > 0 && sources[first].edit().part) --first;
    std::string list = "[\n";
    for (std::size_t i = first; i < sources.size(); ++i) {
      list += to_json(sources[i]) + (i + 1 < sources.size() ? ",\n" : "\n]\n");
    }
    return list;
  }

  static std::string to_json(const Chain::Source& source) {
    if (source.edit().removal) return "{\"edit\": \"remove the chunk\"}";
    if (!source.edit().part) {
      return "{\"edit\": \"put\", \"value\": " +
             std::string(source.record->text(source.operation)) + "}";
    }
    const json::Edit edit = source.record->part(source.operation);
    static constexpr std::array<const char*, 4> kNames = {"set", "remove", "merge", "patch"};
    std::string text = "{\"edit\": \"" +
                       std::string(kNames.at(static_cast<std::size_t>(edit.kind) - 1)) +
                       "\", \"pointer\": " + json::quote(edit.pointer);
    if (!edit.value.empty()) text += ", \"value\": " + edit.value;
    return text + "}";
  }

  const ProjectFolders& folders_;
  TextSettings settings_;
  const std::uint32_t token_;
  std::map<std::string, Chain> chains_;
  ReplayPlan plan_;
};

}  // namespace

Result<ReplayPlan> plan_replay(const ProjectFolders& folders, const TextSettings& settings,
                               std::uint32_t journal_token,
                               const std::vector<std::shared_ptr<JournalRecord>>& records) {
  return Planning(folders, settings, journal_token).run(records);
}

std::string WaitingUpdates::to_text() const {
  const std::string count = std::to_string(texts.size());
  const std::string owner = pid == 0 ? "an owner" : "process " + std::to_string(pid);
  return count + (texts.size() == 1 ? " update is" : " updates are") +
         " waiting in the journal of " + owner + ", which is gone";
}

namespace {

// The number of the newest record that is in the files at least in part; 0: none. It may be larger:
// what is based on the same text is taken for published, which gives a later moment, and never half
// of one.
Result<std::uint64_t> newest_published(const ProjectFolders& folders, const TextSettings& settings,
                                       const JournalContents& contents) {
  std::map<std::string, Inspection> files;
  std::map<std::string, Digest> digests;
  std::uint64_t newest = 0;
  for (const auto& record : contents.records) {
    for (const JournalOperation& operation : record->operations()) {
      const std::string& chunk = operation.chunk;
      if (!folders.naming.check(chunk).ok()) continue;
      if (!files.contains(chunk)) {
        Inspection file =
            inspect_file(*folders.chunks, folders.naming.file_of(chunk), chunk, settings);
        if (file.health == FileHealth::unreadable && !will_last(file.reason)) return file.reason;
        if (file.usable()) digests[chunk] = file.text_digest(settings);
        file.bytes = {};
        files.emplace(chunk, std::move(file));
      }
      const Inspection& file = files.at(chunk);
      if (file.stamp && file.stamp->journal_token == contents.token) {
        newest = std::max(newest, file.stamp->sequence);
      }
      // A journal that was written anew has other numbers than the stamps, a removal leaves no
      // stamp, and not every file system has any.
      const bool is_there = operation.removal
                                ? file.health == FileHealth::missing
                                : file.usable() && digests.at(chunk) == operation.text_digest;
      if (is_there) newest = std::max(newest, record->sequence());
    }
  }
  return newest;
}

enum class Which { all, published };

Result<WaitingUpdates> read_waiting_updates(const ProjectFolders& folders,
                                            const TextSettings& settings, Which which) {
  WaitingUpdates waiting;
  JournalContents contents;
  if (Status read = Journal::read(*folders.root, contents); !read) {
    if (read.code() == ErrorCode::not_found) return waiting;
    Error error = read.error();
    error.message = "the journal may hold newer updates, and cannot be read: " + error.message;
    if (error.path.empty()) error.path = folders.root->path() + "/" + layout::kJournal;
    waiting.unreadable = error;
    return waiting;
  }
  if (which == Which::published) {
    auto newest = newest_published(folders, settings, contents);
    if (!newest) return newest.status();
    std::erase_if(contents.records,
                  [&](const auto& record) { return record->sequence() > *newest; });
  }
  auto plan = plan_replay(folders, settings, contents.token, contents.records);
  if (!plan) return plan.status();
  for (const auto& [chunk, planned] : plan->chunks) {
    if (planned.replay != Replay::stage) continue;
    waiting.texts[chunk] =
        planned.removal()
            ? std::nullopt
            : std::optional(StagedEdit{planned.record, planned.operation}.file_text(settings));
  }
  return waiting;
}

}  // namespace

Result<WaitingUpdates> find_committed_updates(const ProjectFolders& folders, Process& process,
                                              const TextSettings& settings) {
  const bool alive = ProjectLock::may_be_held(*folders.root, process);
  auto waiting = read_waiting_updates(folders, settings, alive ? Which::published : Which::all);
  if (!waiting || waiting->unreadable.ok()) return waiting;
  return waiting->unreadable.code() == ErrorCode::corrupt ? waiting : waiting->unreadable;
}

Result<WaitingUpdates> find_waiting_updates(const ProjectFolders& folders, Process& process,
                                            const TextSettings& settings) {
  constexpr int kTries = 3;
  Directory& root = *folders.root;
  for (int i = 0; i < kTries; ++i) {
    if (!root.stat(layout::kJournal)) break;
    const std::string lock = ProjectLock::peek_text(root);
    if (ProjectLock::may_be_held(lock, process)) break;
    auto waiting = read_waiting_updates(folders, settings, Which::all);
    const bool nothing = waiting && waiting->texts.empty() && waiting->unreadable.ok();
    // A process that took the lock meanwhile may have written what was found in the journal. Each
    // turn that accepts an edit leaves another text in the lock file.
    if (!nothing && ProjectLock::peek_text(root) != lock) continue;
    if (const auto owner = LockText::decode(lock); waiting && owner) waiting->pid = owner->pid;
    return waiting;
  }
  // Processes come and go: each of them saves what it finds in the journal.
  return WaitingUpdates();
}

}  // namespace safechunk
