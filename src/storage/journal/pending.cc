#include "storage/journal/pending.h"

#include <algorithm>

#include "json/format.h"

namespace safechunk {

std::string StagedEdit::file_text(const TextSettings& settings) const {
  return edit().verbatim ? std::string(text())
                         : json::format(text(), settings.indent, settings.size_limit);
}

PendingEdits::Prepared PendingEdits::prepare(const std::shared_ptr<JournalRecord>& record) {
  Prepared prepared;
  for (std::size_t i = 0; i < record->operations().size(); ++i) {
    prepared[record->operations()[i].chunk] = StagedEdit{record, i};
  }
  return prepared;
}

void PendingEdits::add(Prepared prepared, const JournalRecord& record, bool journaled) noexcept {
  std::uint64_t group = record.operations().size() > 1 ? record.sequence() : 0;
  for (const auto& [chunk, edit] : prepared) {
    const auto found = edits_.find(chunk);
    if (found == edits_.end() || found->second.group == 0) continue;
    if (group == 0) {
      group = found->second.group;
    } else {
      merge_group(found->second.group, group);
    }
  }
  for (auto& [chunk, edit] : prepared) {
    edit.staged_as = record.sequence();
    edit.group = group;
    edit.journaled = journaled;
    edits_.erase(chunk);
  }
  edits_.merge(prepared);  // moves the nodes: allocates nothing
  newest_sequence_ = std::max(newest_sequence_, record.sequence());
}

void PendingEdits::merge_group(std::uint64_t from, std::uint64_t to) noexcept {
  for (auto& [chunk, edit] : edits_) {
    if (edit.group == from) edit.group = to;
  }
}

const StagedEdit* PendingEdits::find(const std::string& chunk) const {
  const auto found = edits_.find(chunk);
  return found == edits_.end() ? nullptr : &found->second;
}

void PendingEdits::committed(const std::string& chunk, const StagedEdit& edit) {
  const auto found = edits_.find(chunk);
  if (found != edits_.end() && found->second.staged_as == edit.staged_as) edits_.erase(found);
}

std::vector<std::shared_ptr<JournalRecord>> PendingEdits::trim_records() {
  // What becomes visible together stays in one record: read whole or not at all.
  std::map<std::uint64_t, std::vector<StagedEdit*>> units;
  for (auto& [chunk, edit] : edits_) {
    units[edit.group != 0 ? edit.group : edit.record->sequence()].push_back(&edit);
  }
  std::vector<std::shared_ptr<JournalRecord>> records;
  records.reserve(units.size());
  for (auto& [unit, edits] : units) {
    std::shared_ptr<JournalRecord> record = edits.front()->record;
    const bool whole = std::all_of(edits.begin(), edits.end(),
                                   [&](const StagedEdit* edit) { return edit->record == record; });
    // An edit of a part needs the version that it is based on, which a rewritten journal lacks.
    if (!whole || edits.size() < record->operations().size() || record->has_parts()) {
      record = std::make_shared<JournalRecord>();
      for (const StagedEdit* edit : edits) record->add_copy(*edit->record, edit->operation);
      for (std::size_t i = 0; i < edits.size(); ++i) {
        edits[i]->record = record;
        edits[i]->operation = i;
      }
    }
    records.push_back(std::move(record));
  }
  std::sort(records.begin(), records.end(),
            [](const auto& a, const auto& b) { return a->sequence() < b->sequence(); });
  return records;
}

void PendingEdits::mark_journaled() {
  for (auto& [chunk, edit] : edits_) edit.journaled = true;
}

}  // namespace safechunk
