// Accepting edits: checked against what is there, appended to the journal, and then pending.

#include <algorithm>
#include <map>
#include <optional>

#include "base/in_chunk.h"
#include "base/limits.h"
#include "base/unicode.h"
#include "json/edit.h"
#include "json/format.h"
#include "json/rewrite.h"
#include "json/scan.h"
#include "storage/files/project_layout.h"
#include "storage/project/project.h"

namespace safechunk {
namespace {

// Says of an edit that the journal could not take what that means.
Status only_in_memory(const Status& journaled, const JournalRecord& record) {
  if (journaled.ok()) return journaled;
  Error error = in_chunk(journaled, record.operations().front().chunk).error();
  error.message += "; the update is staged in memory only, and a crash before it is saved loses it";
  return error;
}

Result<std::string> apply_part(const std::optional<std::string_view>& text, bool verbatim,
                               const json::Edit& edit, const TextSettings& settings) {
  const bool makes_it = edit.kind == json::Edit::Kind::set || edit.kind == json::Edit::Kind::merge;
  if (!text && !makes_it) return Status(ErrorCode::not_found, "there is no such chunk");
  return json::apply(text.value_or("{}"), edit,
                     {.indent = verbatim ? settings.indent : 0,
                      .depth_limit = settings.depth_limit,
                      .size_limit = settings.size_limit});
}

bool removes(const JournalRecord& record, const std::string& chunk) {
  const auto& operations = record.operations();
  return std::any_of(operations.begin(), operations.end(), [&](const JournalOperation& operation) {
    return operation.removal && operation.chunk == chunk;
  });
}

}  // namespace

Accepted Project::accept(const std::shared_ptr<Edits>& edits) {
  // Edits come from new_edits() of the same place.
  const auto record = std::static_pointer_cast<JournalRecord>(edits);
  Accepted accepted;
  {
    const MutexLock journal_lock(journal_mutex_);
    accepted.status = check_open();
    if (!accepted.status) return accepted;
    accepted.status = accept_record(record, accepted.result);
  }
  accepted.wants_commit =
      accepted.result != Accepted::Result::refused && journal_.size() > journal_limit_;
  return accepted;
}

Status Project::accept_record(std::shared_ptr<JournalRecord> record, Accepted::Result& result) {
  if (Status status = check_allowed(*record); !status) return status;
  if (Status status = check_names(*record); !status) return status;
  if (settings_.keep_layout) {
    if (Status status = keep_layouts(record); !status) return status;
  }
  if (Status status = check_requirements(*record); !status) return status;
  const bool durable_base = set_bases(*record);
  if (record->has_parts()) {
    if (Status status = apply_parts(record); !status) return status;
  }
  result = Accepted::Result::already_pending;
  const auto& operations = record->operations();
  {
    const MutexLock lock(mutex_);
    // Equal to the pending edit that it is based on: there is nothing new to keep.
    const JournalOperation& first = operations.front();
    const StagedEdit* pending = pending_.find(first.chunk);
    if (operations.size() == 1 && pending != nullptr && pending->journaled &&
        pending->edit().text_digest == first.text_digest && first.base == first.text_digest) {
      return {};
    }
  }
  // Everything that needs memory comes before the journal: an edit in the journal must become
  // pending.
  result = Accepted::Result::staged;
  PendingEdits::Prepared prepared = PendingEdits::prepare(record);
  {
    const MutexLock lock(mutex_);
    for (const JournalOperation& operation : operations) {
      if (!operation.removal) names_.add(operation.chunk);
    }
  }
  Status journaled = only_in_memory(journal_.append(*record), *record);
  const MutexLock lock(mutex_);
  pending_.add(std::move(prepared), *record, journaled.ok());
  if (!durable_base) newest_on_unsynced_base_ = record->sequence();
  return journaled;
}

// What a chunk is now: its pending edit, else what is committed.
struct Project::Present {
  Digest text_digest;
  bool journaled = true;  // a crash now would leave a journal or file that has it
  // Of a journaled pending edit: the file that it has replaced, or will.
  std::optional<Digest> seen_when_staged;
  // The text; nothing: there is no such chunk. Either a view into a record, or its own: a large
  // text is not copied for an edit of a few bytes. As the file has it if `verbatim`, else compact:
  // the file has, or will have, what format() makes of it. An edit of a compact text is cheaper,
  // and comes to the same.
  bool verbatim = false;
  std::shared_ptr<const JournalRecord> record;
  std::size_t operation = 0;
  std::optional<std::string> own;

  [[nodiscard]] std::optional<std::string_view> text() const {
    if (record != nullptr) return record->text(operation);
    return own ? std::optional<std::string_view>(*own) : std::nullopt;
  }

  static Present of(const StagedEdit& staged) {
    Present present;
    present.text_digest = staged.edit().text_digest;
    present.journaled = staged.journaled;
    if (staged.journaled) present.seen_when_staged = staged.edit().seen_when_staged;
    present.verbatim = staged.edit().verbatim;
    if (!staged.edit().removal) present.record = staged.record;
    present.operation = staged.operation;
    return present;
  }

  static Present of(Inspection found, const TextSettings& settings) {
    Present present;
    std::string compact;
    present.verbatim = !json::compact(found.bytes, {.depth_limit = limits::kDepth}, compact).ok() ||
                       json::format(compact, settings.indent, settings.size_limit) != found.bytes;
    present.text_digest = found.text_digest(settings);
    present.own = present.verbatim ? std::move(found.bytes) : std::move(compact);
    return present;
  }
};

Result<Project::Present> Project::find_present(const std::string& chunk) {
  StagedEdit pending;
  {
    const MutexLock lock(mutex_);
    if (const StagedEdit* found = pending_.find(chunk)) pending = *found;
  }
  if (pending.record != nullptr) return Present::of(pending);
  Inspection found = chunks_.read(chunk);
  if (found.health == FileHealth::missing) {
    // Not when its name was lost: reading it gives the backup then, and heals it.
    if (!folders_.backups->stat(layout::backup_file(chunk))) return Present();
    auto lost = chunks_.look_for_lost_names();
    if (!lost) return lost.status();
    if (!*lost) return Present();
    return in_chunk(Status(ErrorCode::corrupt, "its file is lost, and its backup is there"), chunk);
  }
  if (found.health == FileHealth::unreadable) return in_chunk(found.reason, chunk);
  if (!found.usable()) {
    Error error = in_chunk(found.reason, chunk).error();
    error.code = ErrorCode::corrupt;  // reading the chunk heals it
    return error;
  }
  return Present::of(std::move(found), settings_);
}

// All that are not met are named.
Status Project::check_requirements(const JournalRecord& record) {
  std::optional<Error> refused;
  for (const Requirement& wanted : record.requirements()) {
    Digest present;
    bool is_pending = false;
    {
      const MutexLock lock(mutex_);
      const StagedEdit* const pending = pending_.find(wanted.chunk);
      is_pending = pending != nullptr;
      if (is_pending) present = pending->edit().text_digest;
    }
    if (!is_pending) present = chunks_.base_of(wanted.chunk).text_digest;
    if (present == kUnknownDigest || (!is_pending && present.is_absent())) {
      auto found = find_present(wanted.chunk);
      if (!found) return found.status();
      present = found->text_digest;
    }
    if (present == wanted.text_digest) continue;
    const std::string now = present.is_absent() ? std::string("it is not there")
                                                : "it has the revision " + present.to_hex();
    const std::string message =
        (wanted.text_digest.is_absent()
             ? std::string("the chunk must not be there")
             : "the chunk must have the revision " + wanted.text_digest.to_hex()) +
        ", and " + now;
    if (!refused) {
      refused = in_chunk(Status(ErrorCode::conflict, message), wanted.chunk).error();
    } else {
      refused->message += "; '" + wanted.chunk + "': " + message;
    }
  }
  return refused ? Status(*refused) : Status();
}

// Not every allowed name is one that a chunk can have in this place.
Status Project::check_allowed(const JournalRecord& record) const {
  for (const JournalOperation& operation : record.operations()) {
    Status status = folders_.naming.check(operation.chunk);
    if (!status) return in_chunk(status, operation.chunk);
  }
  for (const Requirement& wanted : record.requirements()) {
    Status status = folders_.naming.check(wanted.chunk);
    if (!status) return in_chunk(status, wanted.chunk);
  }
  return {};
}

// Whole texts get the layout of what they replace, and the order of its members.
Status Project::keep_layouts(std::shared_ptr<JournalRecord>& record) {
  auto laid_out = std::make_shared<JournalRecord>(std::string(), settings_);
  bool any = false;
  for (std::size_t i = 0; i < record->operations().size(); ++i) {
    const JournalOperation& put = record->operations()[i];
    const bool is_compact = !put.removal && !put.part && !put.verbatim;
    // Of a file that is damaged, or not there, nothing is to be kept.
    const auto now = is_compact ? find_present(put.chunk) : Result<Present>(Present());
    const auto before = now ? now->text() : std::nullopt;
    if (!before) {
      laid_out->add_copy(*record, i);
      continue;
    }
    auto text = json::rewrite(*before, record->text(i),
                              {.indent = now->verbatim ? settings_.indent : 0,
                               .depth_limit = limits::kDepth,
                               .size_limit = settings_.size_limit});
    if (!text) return in_chunk(text.status(), put.chunk);
    const Digest digest = now->verbatim ? digest_of_compact(*text, settings_) : digest_of(*text);
    laid_out->add_whole(put, *text, digest, now->verbatim);
    any = true;
  }
  if (!any) return {};
  laid_out->take_conditions(*record);
  record = std::move(laid_out);
  return {};
}

// Gives each edit of a part its result. The record becomes one of whole texts when its edits could
// not be replayed: their base is in memory only, or is not what the journal knows.
Status Project::apply_parts(std::shared_ptr<JournalRecord>& record) {
  std::map<std::string, std::size_t> earlier;  // the last operation of each chunk in the record
  bool can_be_replayed = true;
  for (std::size_t i = 0; i < record->operations().size(); ++i) {
    const JournalOperation& edit = record->operations()[i];
    const auto before = earlier.find(edit.chunk);
    const bool is_first = before == earlier.end();
    if (edit.part) {
      auto now =
          is_first ? find_present(edit.chunk) : Present::of(StagedEdit{record, before->second});
      if (!now) return now.status();
      // Upon a pending edit: what another program did to the file meanwhile nobody has seen here.
      if (!is_first || now->seen_when_staged) record->set_base(i, now->text_digest);
      if (now->seen_when_staged) record->set_seen_when_staged(i, *now->seen_when_staged);
      can_be_replayed = can_be_replayed && now->journaled && edit.base == now->text_digest;
      auto text = apply_part(now->text(), now->verbatim, record->part(i), settings_);
      if (!text) return in_chunk(text.status(), edit.chunk);
      const Digest digest = now->verbatim ? digest_of_compact(*text, settings_) : digest_of(*text);
      record->set_result(i, *std::move(text), digest, now->verbatim);
    }
    earlier[edit.chunk] = i;
  }
  if (can_be_replayed) return {};
  auto whole = std::make_shared<JournalRecord>();
  for (std::size_t i = 0; i < record->operations().size(); ++i) {
    whole->add_copy(*record, i);
    whole->set_base(i, record->operations()[i].base);
  }
  record = std::move(whole);
  return {};
}

// Sets the version that each edit is based on: the newest journaled edit of its chunk, unless
// another program has changed the file since that edit was staged; else the file on disk. Returns
// false when a power cut might bring back another version there.
bool Project::set_bases(JournalRecord& record) {
  bool durable = true;
  for (std::size_t i = 0; i < record.operations().size(); ++i) {
    const std::string& chunk = record.operations()[i].chunk;
    const Base base = chunks_.base_of(chunk);
    // Recovery takes the stamp of a file for newer than a record of a lower sequence. An IdleText
    // may be older than the file: the disk was unplugged and came back, or one file was put back.
    if (base.journal_token == journal_.token()) marks_.issued.raise(base.sequence);
    const MutexLock lock(mutex_);
    const StagedEdit* pending = pending_.find(chunk);
    if (base.superseded) durable = false;
    if (pending != nullptr && pending->journaled &&
        (base.text_digest == pending->edit().seen_when_staged ||
         base.text_digest == kUnknownDigest)) {
      record.set_base(i, pending->edit().text_digest);
      record.set_seen_when_staged(i, pending->edit().seen_when_staged);
      continue;
    }
    record.set_base(i, base.text_digest);
    record.set_seen_when_staged(i, base.text_digest);
    const bool is_new = base.text_digest == kAbsentDigest && !names_.is_taken(chunk);
    durable = durable && (base.durable || is_new);
  }
  return durable;
}

// Another process may have made chunks since names_ were seen.
Status Project::list_names() {
  // The file of a new chunk must not make the others, whose names were lost, look removed.
  if (auto lost = chunks_.look_for_lost_names(); !lost) return lost.status();
  auto chunks = list_chunk_files(folders_);
  if (!chunks) return chunks.status();
  Names names;
  names.reserve(chunks->size());
  for (const std::string& chunk : *chunks) names.add(chunk);
  const MutexLock lock(mutex_);
  for (const auto& [chunk, staged] : pending_.snapshot()) {
    if (!staged.edit().removal) names.add(chunk);
  }
  names_ = std::move(names);
  names_listed_ = true;
  return {};
}

// No two names may be one (Names): among themselves and with all that are there, unless the one
// that is there is being removed.
Status Project::check_names(const JournalRecord& record) {
  Names own_names;
  bool listed = false;
  {
    const MutexLock lock(mutex_);
    listed = names_listed_;
  }
  for (const JournalOperation& operation : record.operations()) {
    if (operation.removal) continue;
    const std::string& chunk = operation.chunk;
    std::string rival;
    if (record.operations().size() > 1) {
      rival = own_names.rival_of(chunk);
      if (!rival.empty()) return is_same_name(chunk, rival);
      own_names.add(chunk);
    }
    if (!listed) {
      bool is_known = false;
      {
        const MutexLock lock(mutex_);
        is_known = names_.is_taken(chunk) && names_.rival_of(chunk).empty();
      }
      if (is_known && folders_.chunks->stat(folders_.naming.file_of(chunk)).ok()) continue;
      if (Status status = list_names(); !status) return status;
      listed = true;
    }
    bool leaves = false;
    const StagedEdit* pending = nullptr;
    {
      const MutexLock lock(mutex_);
      rival = names_.rival_of(chunk);
      if (rival.empty()) continue;
      pending = pending_.find(rival);
      leaves = removes(record, rival) || (pending != nullptr && pending->edit().removal);
    }
    // Another program may have removed it.
    if (!leaves && pending == nullptr && chunks_.is_gone(rival)) continue;
    if (!leaves) return is_same_name(chunk, rival);
    // Only where the file system tells the two apart: there the order in which the one comes and
    // the other goes means nothing.
    const bool rival_is_there = folders_.chunks->stat(folders_.naming.file_of(rival)).ok();
    const auto other = folders_.chunks->stat(folders_.naming.file_of(chunk));
    const bool told_apart = rival_is_there && other.code() == ErrorCode::not_found;
    if (!told_apart) return is_same_name(chunk, rival);
  }
  return {};
}

}  // namespace safechunk
