#!/usr/bin/env python3
"""Breaks the code on purpose, one safety measure at a time, and checks that a test notices.

usage: tools/mutate.py [--only PATTERN | --check]

Prints a table: the first test of all that fails, and the first that judges what is left after a crash or a
failing call, without knowing the engine's calls. Works on a copy of the sources in build/mutants. Exit status 1
when a mutant survives. --check only says whether each place is still there exactly once.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
COPY = ROOT / "build" / "mutants" / "source"
BUILD = ROOT / "build" / "mutants" / "build"
TESTS = ["golden_test", "storage_test", "engine_core_test", "engine_shared_test", "engine_test", "first_crash_test",
         "file_edit_test"]
CRASH_TESTS = ["log_crash_test", "random_lives_test", "random_neighbours_test", "other_program_test", "operation_faults_test", "crash_states_test",
               "recovery_crash_test", "faults_test"]

# Each mutant dies in shallow crash tests already, if it dies at all.
SHALLOW = {"SAFECHUNK_CRASH_SEEDS": "2", "SAFECHUNK_CRASH_STRIDE": "400", "SAFECHUNK_FAULT_STRIDE": "7"}

# Name, function, a piece of its text, and what takes its place.
MUTANTS = [
    ('a sync of a log returns at once', 'LogFile::sync_held',
     '    const Status synced = file->sync_data();\n',
     '    const Status synced;\n'),
    ('a log is synced again after a failed fsync', 'LogFile::sync_held',
     '    is_broken_ = true;\n',
     '    is_broken_ = false;\n'),
    ('half a number at the end of a log is a record', 'LogFile::look',
     '(when == When::growing && kind.invalid.ok());\n',
     '(when <= When::growing && kind.invalid.ok());\n'),
    ('what others have left half is not looked at', 'LogFile::settle',
     '  if (found->tail) {\n',
     '  if (false) {\n'),
    ('a compacted log takes the place of the old one undurably', 'LogFile::replace',
     '  if (Status status = folder_.chunks.sync(); !status) return status;\n',
     ''),
    ('half a record of a full disk stays', 'LogFile::append_once',
     '      if (done > 0) {\n',
     '      if (false) {\n'),
    ('no fsync of the temporary file', 'TemporaryFile::make_durable_and_keep_open',
     '  if (Status status = file_->sync(); !status) return status;\n',
     ''),
    ('no fsync of files of more than a page', 'TemporaryFile::make_durable_and_keep_open',
     '  if (Status status = file_->sync(); !status) return status;\n',
     '  if (Status status = size_ > 4096 ? file_->start_writeback() : file_->sync(); !status) return status;\n'),
    ('a grown journal is emptied with edits staged', 'Project::truncate_journal',
     '    empty = pending_.empty();\n',
     '    empty = pending_.empty() || journal_.size() > journal_limit_;\n'),
    ('an edit of a part is saved in a new layout', 'write',
     '      if (work.edit->verbatim) {\n',
     '      if (false) {\n'),
    ('a rewritten journal has edits without their base', 'PendingEdits::trim_records',
     ' || record->has_parts()',
     ''),
    ('an edit upon a text in memory only is journaled as an edit', 'Project::apply_parts',
     '    can_be_replayed = can_be_replayed && now->journaled && edit.base == now->text_digest;\n',
     '    can_be_replayed = can_be_replayed && edit.base == edit.base;\n'),
    ('conditions are not checked', 'Project::check_requirements',
     '    if (present == wanted.text_digest) continue;\n',
     '    if (!present.is_absent() || wanted.text_digest.is_absent() || present.is_absent()) continue;\n'),
    ('an edit is replayed on any version', 'apply_parts',
     '      } else if (disk.usable() && edit.base == disk_digest) {\n',
     '      } else if (disk.usable()) {\n'),
    ('the checksum leaves out edits of parts', 'JournalRecord::checked_end',
     '(has_own_digest ? 0 : operation.text_size)',
     '(has_own_digest ? 0 : 0)'),
    ('failed fsync ignored', 'TemporaryFile::make_durable_and_keep_open',
     '  if (Status status = file_->sync(); !status) return status;\n',
     '  (void)file_->sync();\n'),
    ('short writes ignored', 'write_all',
     '    bytes.remove_prefix(*count);\n',
     '    bytes = {};\n'),
    ('short reads ignored', 'read_up_to',
     '    if (*count == 0) break;\n'
     '    filled += *count;\n',
     '    filled += *count;\n'
     '    break;\n'),
    ('a write that stores nothing counts', 'write_all',
     '    if (*count == 0) return Status(ErrorCode::no_space, "a write stored nothing");\n',
     '    if (*count == 0) return {};\n'),
    ('failed write ignored', 'write_all',
     '  while (!bytes.empty()) {\n'
     '    auto count = file.write_at(offset, bytes);\n'
     '    if (!count) return count.status();',
     '  while (!bytes.empty()) {\n'
     '    auto count = file.write_at(offset, bytes);\n'
     '    if (!count) return {};'),
    ('rename error ignored', 'TemporaryFile::publish',
     '  if (status.ok()) name_.clear();\n'
     '  return status;',
     '  name_.clear();\n'
     '  return {};'),
    ('read-back not compared', 'TemporaryFile::read_back',
     'info->size == size_ && offset == size_ && digester.digest() == stamp_.bytes',
     'true'),
    ('no fsync of chunks/', 'sync_folders',
     '      Status status = folders_.chunks->sync();\n',
     '      Status status;\n'),
    ('failed fsync of chunks/ ignored', 'sync_folders',
     '      if (folders_status_.ok()) folders_status_ = std::move(status);\n',
     ''),
    ('a failed fsync of the folder counts as durable', 'remember',
     'version.durable = folders_status_.ok();',
     'version.durable = true;'),
    ('journal not synced for a set', 'needs_journal',
     'return edits > 1 || report_.must_truncate_journal;',
     'return report_.must_truncate_journal;'),
    ('journal not synced for removals and unstamped files', 'needs_journal',
     'return edits > 1 || report_.must_truncate_journal;',
     'return edits > 1;'),
    ('failed journal sync ignored before publishing', 'run',
     'if (Status status = sync_journal(); !status) fail_all(status);',
     '(void)sync_journal();'),
    ('transactions not held together', 'run',
     '    fail_broken_groups();\n',
     ''),
    ('backup rotated over by the same version', 'prepare_backup',
     '    if (backup && backup->same_file(work.present.info)) {\n'
     '      work.backup_is_link = true;\n'
     '      return {};\n'
     '    }\n',
     ''),
    ('renames swapped: new file first, then the backup', 'publish',
     '    if (work.backup) {\n'
     '      backups_touched_ = true;\n'
     '      if (Status s = work.backup->publish(layout::backup_file(chunk)); !s) return s;\n'
     '    }\n'
     '    const WriteGuard* guard = work.backup_is_link ? nullptr : &work.guard;\n',
     '    const WriteGuard* guard = work.backup_is_link ? nullptr : &work.guard;\n'
     '    Status s = account(replace_file(files_, chunk, *work.temporary, work.found(), guard, report_.events), work);\n'
     '    if (!s) return s;\n'
     '    if (work.backup) {\n'
     '      backups_touched_ = true;\n'
     '      if (Status b = work.backup->publish(layout::backup_file(chunk)); !b) return b;\n'
     '    }\n'
     '    return s;\n'),
    ('no last look before the renames', 'publish_all',
     '        if (failed.ok()) failed = check_untouched(member);\n',
     ''),
    ('what another program copied counts as durable', 'sync_unchanged',
     '    if (work.present.version->durable) return {};\n'
     '    sync_chunks_ = true;\n'
     '    return sync_present(work);',
     '    return {};'),
    ('its folder not synced', 'sync_unchanged',
     '    sync_chunks_ = true;\n'
     '    return sync_present(work);',
     '    return sync_present(work);'),
    ('a hand edit becomes the backup without a fsync', 'prepare_backup',
     '      if (Status status = sync_present(work); !status) return status;\n',
     ''),
    ('a fsync that failed is tried again', 'sync_present',
     '      work.present.version->sync_failed = true;\n',
     ''),
    ('an update stands upon a version that is gone', 'VersionBook::known',
     'found == known_.end() || !found->second.matches(info)',
     'found == known_.end()'),
    ('a group goes on when its first rename has failed', 'publish_all',
     'failed.ok() || visible ? publish(member) : failed',
     'publish(member)'),
    ('removal leaves the folder unsynced', 'remove_files',
     '    return account(remove_file(files_, chunk, work.found(), &work.guard, report_.events), work);',
     '    return remove_file(files_, chunk, work.found(), &work.guard, report_.events).status;'),
    ('failed unlink ignored', 'remove_files',
     '    if (!status && status.code() != ErrorCode::not_found) return status;\n',
     ''),
    ('what a commit replaced is not looked at', 'dismiss',
     '  if (is_expected(*now, expected) && !is_awaited)',
     '  if ((now.ok() || is_expected(*now, expected)) && !is_awaited)'),
    ('what a crash left of a commit is removed unseen', 'settle_displaced',
     '  if (is_own) return',
     '  if (is_own || info.ok()) return'),
    ('an edit of a file replaces a version that came meanwhile', 'publish',
     '    if (is_same_version(*found, old) && !guard.somebody_waits()) {\n',
     '    if (found.ok() || guard.somebody_waits()) {\n'),
    ('an edit of a file has no final check', 'replace',
     '    if (!is_untouched(*now, old)) return false;\n',
     ''),
    ('a lock of a file is not waited for', 'try_lock_file',
     '  if (!*held) return Locked();\n',
     ''),
    ('what a crash left of an edit of a file is removed unseen', 'settle',
     '      return set_aside(place, name, size_limit);\n',
     '      (void)set_aside;\n'),
    ('a replayed removal takes a foreign version along', 'apply',
     'planned.seen ? planned.text_digest : kUnknownDigest',
     'planned.seen || true ? planned.text_digest : kUnknownDigest'),
    ('a file is replaced in the last moment although there was none', 'replace_file',
     '  if (expected == nullptr) return {in_conflict(temporary.publish_new(name)), {}};',
     '  if (expected == nullptr) return {in_conflict(temporary.publish(name)), {}};'),
    ('a journal whose fsync failed is synced again', 'Journal::sync_appended',
     '    mark_broken();\n',
     ''),
    ('a journal without a name counts', 'Journal::sync_appended',
     '  if (Status status = check_in_place(); !status) return status;\n'
     '  durable = target;\n',
     '  durable = target;\n'),
    ("a first record without a look at the journal's name", 'Journal::append',
     '  if (offset == kHeaderSize) {\n',
     '  if (false) {\n'),
    ('another spelling over the same file', 'Project::check_names',
     '    if (!told_apart) return is_same_name(chunk, rival);\n',
     '    (void)told_apart;\n'),
    ('journal sync does nothing', 'Journal::sync_appended',
     '  if (Status status = file->sync_data(); !status) {\n',
     '  if (Status status; !status) {\n'),
    ('reset never durable', 'Journal::reset',
     '  if (!must_be_durable) return {};\n',
     '  return {};\n'),
    ('rewritten journal not synced', 'Journal::rewrite',
     '  if (Status status = temporary->make_durable_and_keep_open(); !status) return status;\n'
     '  if (Status status = temporary->publish(layout::kJournal); !status) return status;\n',
     '  if (Status status = root_.rename(layout::kJournalTemporary, root_, layout::kJournal); !status) return status;\n'),
    ('folder of the rewritten journal not synced', 'Journal::rewrite',
     '  if (Status status = root_.sync(); !status) return status;\n'
     '  broken_ = false;',
     '  broken_ = false;'),
    ('checksums do not continue each other', 'Journal::append',
     '  chain_ = sum;\n',
     ''),
    ('failed append ignored', 'Journal::append',
     '    if (cut.ok()) allocated_ = offset;\n'
     '    return status;\n'
     '  }\n'
     '  lock.lock();\n',
     '    if (cut.ok()) allocated_ = offset;\n'
     '    lock.unlock();\n'
     '  }\n'
     '  lock.lock();\n'),
    ('attach keeps the old token', 'Project::open_turn',
     '  if (project->folder_->had_journal) {\n',
     '  if (false) {\n'),
    ('attach does not sync the folders of a dead owner', 'after_lock',
     '    if (!project_.report.clean) {',
     '    if (false) {'),
    ("attach does not sync the project's folder", 'after_lock',
     '    return sync_folder(*folders.root);',
     '    return {};'),
    ('stamps not looked at in recovery', 'decide_replay',
     '  if (says_itself && disk.health == FileHealth::good) {',
     '  if (false) {'),
    ('journal cut before the commit', 'commit_edits',
     '    const CommitReport report = commit_edits(',
     '    (void)project.journal->reset(false);\n'
     '    const CommitReport report = commit_edits('),
    ('no quarantine before a damaged file is healed', 'ChunkFiles::publish_cure',
     '      Status kept =\n'
     '          quarantine_.preserve_file(*folders_.chunks, name, name, file.bytes, kept_as, added);\n',
     '      Status kept;\n'),
    ("healed file's folder not synced", 'ChunkFiles::publish_cure',
     'return status.ok() ? folders_.chunks->sync() : status;',
     'return status;'),
    ('rot not told from an edit', 'judge',
     '  if (stamp && stamp->modified_ns == modified_ns) {',
     '  if (false) {'),
    ('an equal text is taken for what is staged', 'Project::accept_record',
     'pending->edit().text_digest == first.text_digest && first.base == first.text_digest) {',
     'pending->edit().text_digest == first.text_digest) {'),
    ('an update upon a staged one does not look at the disk', 'Project::set_bases',
     '        (base.text_digest == pending->edit().seen_when_staged ||\n'
     '         base.text_digest == kUnknownDigest)) {',
     '        true) {'),
    ('the journal acknowledges upon what is not durable', 'Project::sync_accepted',
     '  if (!bases_durable || !folder_->lock->check_held())',
     '  if (!folder_->lock->check_held())'),
    ('a rewritten journal stands upon what is visible', 'Project::rewrite_journal',
     'base.durable ? base.text_digest : kUnknownDigest',
     'base.text_digest'),
    ('a file that cannot be read is replayed over', 'decide',
     '    if (unreadable && !will_last(inspection.reason)) return inspection.reason;\n',
     ''),
    ('a removal is done although a backup is left', 'decide_replay',
     'last.removal && !disk.has_backup ?',
     'last.removal ?'),
    ('heal without a last look', 'ChunkFiles::publish_cure',
     '    if (Status s = check_untouched(chunk, found, ctime_may_differ); !s) return s;\n'
     '    return replace_file',
     '    return replace_file'),
    ('a lost lock does not keep from healing', 'Project::heal',
     '    if (Status held = folder_->lock->check_held(); !held) return held;\n',
     ''),
    ('evidence that is there counts as durable', 'Quarantine::add_file',
     '  if (Status synced = folder_->sync(); !synced) return synced;\n',
     ''),
    ('a hand edit goes with the removal', 'quarantine_unseen',
     '    if (!version || version->ours) return {};\n',
     '    return {};\n'),
    ('a hand edit of a staged chunk is in the backup only', 'quarantine_unseen',
     'if (!version || version->ours) return {};',
     'if (!work.edit->removal || !version || version->ours) return {};'),
    ("its own version is another program's", 'quarantine_unseen',
     'if (!version || version->ours) return {};',
     'if (!version) return {};'),
    ('a journal that was not emptied durably is written on', 'Journal::reset',
     '  if (!status) mark_header_torn();\n',
     ''),
    ('half a set is pinned', 'Project::take_snapshot',
     '  if (last_commit_failed_) {\n',
     '  if (false) {\n'),
    ('a stamp that cannot be read is none', 'read_stamp',
     '  return has_none ? Result<std::optional<Stamp>>(std::nullopt) : value.status();\n',
     '  return has_none || true ? Result<std::optional<Stamp>>(std::nullopt) : value.status();\n'),
    ('an update that the file equals is done', 'decide_replay',
     '  if (disk.text_digest == last.text_digest) return Replay::confirm;\n',
     '  if (disk.text_digest == last.text_digest) return Replay::nothing;\n'),
    ('what is under both names is the backup as it is', 'prepare_backup',
     '    if (work.present.version->needs_sync_first()) {\n',
     '    if (false) {\n'),
    ('a file that is missing at an attach stays so', 'after_lock',
     '    if (Status s = sync_folder(*folders.chunks); !s) return s;\n',
     '    if (!project_.report.clean) {\n'
     '      if (Status s = sync_folder(*folders.chunks); !s) return s;\n'
     '    }\n'),
    ('an edit that a commit overtakes is gone for certain', 'Project::set_bases',
     '    if (base.superseded) durable = false;\n',
     ''),
    ('a hand edit goes with the removal of a damaged chunk', 'quarantine_unseen',
     '    if (version->text_digest == work.edit->seen_when_staged) return {};\n',
     '    return {};\n'),
    ('a removal that was replaced may come back', 'Journal::reset',
     'std::exchange(has_removal_, false) || durable',
     'durable'),
    ('a folder that was moved away is written to', 'Project::commit_snapshot',
     '    auto held = hold_files();\n',
     '    auto held = folders_.backups->hold();\n'),
    ('a checkpoint whose name is not synced', 'write_checkpoint',
     '  if (Status status = checkpoints.sync(); !status) return take_back(checkpoints, name, status);\n',
     ''),
    ('an idle text of another boot counts', 'ProjectLock::acquire',
     '        idle && !idle->boot_id.empty() && idle->boot_id == without_blanks(ours.boot_id);\n',
     '        idle.has_value();\n'),
    ('a turn goes on with another journal', 'resume',
     '    if (!is_empty || contents.token != idle.journal_token) return false;\n',
     '    if (!is_empty) return false;\n'),
    ('a turn goes on over records', 'resume',
     '    if (!is_empty || contents.token != idle.journal_token) return false;\n',
     '    if (!journal.ok() || contents.token != idle.journal_token) return false;\n'),
    ('a turn begins with the first sequence', 'resume',
     '    project_.journal->watermarks().issued.raise(idle.sequence);\n',
     ''),
    ('a sequence below that of the stamp', 'Project::set_bases',
     '    if (base.journal_token == journal_.token()) marks_.issued.raise(base.sequence);\n',
     ''),
    ('an idle text although something is unsaved', 'Project::give_up',
     '    if (saved && held && journal_.is_empty()) {\n',
     '    if (held) {\n'),
    ('a turn ends without a commit', 'Project::give_up',
     '  outcome = commit_pending(notices);\n'
     '  // A program',
     '  if (ending == Ending::close) outcome = commit_pending(notices);\n'
     '  // A program'),
    ('a turn without memory leaves its lock text', 'Project::end_turn',
     '    (void)folder_->lock->pass_on(std::nullopt);\n',
     ''),
    ('nobody waits for the lock', 'wait_for_lock',
     '  if (timeout.count() <= 0) {\n',
     '  if (timeout.count() <= 0 || true) {\n'),
    ('an update without a turn', 'EngineCore::update',
     '  status = store_turn.take(notices);\n'
     '  if (status.ok()) {\n'
     '    status = try_update(chunk, function);\n'
     '    const CommitOutcome ended = store_turn.end(notices);\n'
     '    if (status.ok()) status = ended.status;\n'
     '  }\n',
     '  status = try_update(chunk, function);\n'),
    ('a lost edit is to be committed', 'EngineCore::stage_edits',
     '    if (ended.lost) accepted.result = Accepted::Result::refused;\n',
     ''),
    ('a turn that cannot begin is a success', 'SharedProject::commit',
     '    outcome.ran = outcome.status.code() != ErrorCode::not_owner;\n',
     ''),
    ('a reader looks at the lock only before', 'find_waiting_updates',
     '    if (!nothing && ProjectLock::peek_text(root) != lock) continue;\n',
     ''),
    ("detach forgets the journal's folder", 'Journal::remove',
     '  return root_.sync();\n',
     '  return {};\n'),
]

FUNCTION = re.compile(
    r"^( {0,4})(?![ #}/]|return|if|for|while|switch|class|struct|namespace|case|else)[^\n;]*?([~\w:]+)"
    r"\([^;{}]*?\)[^;{}()]*(?:\([^;{}()]*\)[^;{}()]*)*\{\n", re.M)


def functions(text):
    """The name, begin and end of each function that is defined in the text."""
    for match in FUNCTION.finditer(text):
        end = text.find("\n" + match.group(1) + "}", match.end() - 1)
        if end > 0:
            yield match.group(2), match.start(), end + 1


def places(root, function, piece):
    """The file, begin and end of each function of that name which has the piece just once."""
    return [(path, begin, end)
            for path in sorted((root / "src").rglob("*.cc")) + sorted((root / "src").rglob("*.h"))
            for text in [path.read_text()]
            for name, begin, end in functions(text)
            if name == function and text.count(piece, begin, end) == 1]


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", **options)


def build():
    return run(["cmake", "--build", str(BUILD), "--target", *TESTS, *CRASH_TESTS])


def killer(tests):
    """The first test that fails, or None."""
    for test in tests:
        found = next(path for path in BUILD.rglob(test) if path.is_file())
        try:
            result = run([str(found), "--gtest_fail_fast"], timeout=300, env=os.environ | SHALLOW)
        except subprocess.TimeoutExpired:
            return f"{test} (hangs)"
        if result.returncode != 0:
            failed = re.findall(r"^\[  FAILED  \] ([^ ,(]+)", result.stdout, re.M)
            name = failed[0] if failed else f"{test} (crash)"
            return "`" + re.sub(r"^(\w+/\w+\.\w+)/.*", r"\1/*", name) + "`"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only mutants whose name matches this")
    parser.add_argument("--check", action="store_true", help="look for the places, and break nothing")
    arguments = parser.parse_args()
    lost = [f"{name}: the place is not there exactly once in {function}" for name, function, old, _ in MUTANTS
            if len(places(ROOT, function, old)) != 1]
    if lost:
        sys.exit("\n".join(lost))
    if arguments.check:
        return
    shutil.rmtree(COPY.parent, ignore_errors=True)  # what a mutant left must not be built upon
    shutil.copytree(ROOT, COPY, ignore=shutil.ignore_patterns("build", ".git", ".venv"))
    configured = run(["cmake", "-S", str(COPY), "-B", str(BUILD), "-G", "Ninja",
                      "-DCMAKE_BUILD_TYPE=Release"])  # without -g it links faster
    if configured.returncode != 0 or build().returncode != 0:
        print(configured.stdout)
        sys.exit("the unchanged sources do not build")
    if (found := killer(TESTS + CRASH_TESTS)) is not None:
        sys.exit(f"the unchanged sources fail: {found}")
    print("| mutant | first test that kills it | first crash or fault test |\n|---|---|---|")
    killed = count = 0
    for name, function, old, new in MUTANTS:
        if not re.search(arguments.only, name):
            continue
        [(path, begin, end)] = places(COPY, function, old)
        text = path.read_text()
        path.write_text(text[:begin] + text[begin:end].replace(old, new) + text[end:])
        if (built := build()).returncode != 0:
            sys.exit(f"{built.stdout[-2000:]}\n{name}: does not build")
        path.write_text(text)
        by_crash = killer(CRASH_TESTS)
        found = killer(TESTS) or by_crash
        count += 1
        killed += found is not None
        print(f"| {name} | {found or 'SURVIVED'} | {by_crash or 'none'} |", flush=True)
    print(f"\n{killed} of {count} mutants killed")
    sys.exit(0 if killed == count else 1)


if __name__ == "__main__":
    main()
