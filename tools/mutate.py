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
TESTS = ["golden_test", "storage_test", "engine_core_test", "engine_test"]
CRASH_TESTS = ["random_lives_test", "other_program_test", "operation_faults_test", "crash_states_test",
               "recovery_crash_test", "faults_test"]

# Each mutant dies in shallow crash tests already, if it dies at all.
SHALLOW = {"SAFECHUNK_CRASH_SEEDS": "2", "SAFECHUNK_CRASH_STRIDE": "400", "SAFECHUNK_FAULT_STRIDE": "7"}

# name, file, what is there, what takes its place
MUTANTS = [
    ("no fsync of the temporary file", "src/storage/durable_file.cc",
     "  if (Status status = file_->sync(); !status) return status;\n", ""),
    ("no fsync of files of more than a page", "src/storage/durable_file.cc",
     "  if (Status status = file_->sync(); !status) return status;\n",
     "  if (Status status = size_ > 4096 ? file_->start_writeback() : file_->sync(); !status) return status;\n"),
    ("a grown journal is emptied with edits staged", "src/engine/engine_commit.cc",
     "    empty = staging_.empty();\n",
     "    empty = staging_.empty() || project.journal->size() > options_.journal_limit;\n"),
    ("failed fsync ignored", "src/storage/durable_file.cc",
     "  if (Status status = file_->sync(); !status) return status;\n", "  (void)file_->sync();\n"),
    ("short writes ignored", "src/storage/durable_file.cc",
     "    bytes.remove_prefix(*count);\n", "    bytes = {};\n"),
    ("short reads ignored", "src/storage/durable_file.cc",
     "    if (*count == 0) break;  // it shrank while being read\n    filled += *count;\n",
     "    filled += *count;\n    break;\n"),
    ("short reads of the journal ignored", "src/storage/journal.cc",
     "      if (*count == 0) break;\n      filled += *count;\n", "      filled += *count;\n      break;\n"),
    ("a write that stores nothing counts", "src/storage/durable_file.cc",
     "    if (*count == 0) return Status(ErrorCode::no_space, \"a write stored nothing\");\n",
     "    if (*count == 0) return {};\n"),
    ("failed write ignored", "src/storage/durable_file.cc",
     "  while (!bytes.empty()) {\n    auto count = file.write_at(offset, bytes);\n"
     "    if (!count) return count.status();",
     "  while (!bytes.empty()) {\n    auto count = file.write_at(offset, bytes);\n"
     "    if (!count) return {};"),
    ("rename error ignored", "src/storage/durable_file.cc",
     "  if (status.ok()) name_.clear();\n  return status;", "  name_.clear();\n  return {};"),
    ("read-back not compared", "src/storage/durable_file.cc",
     "info->size == size_ && offset == size_ && digester.digest() == stamp_.bytes", "true"),
    ("no fsync of chunks/", "src/storage/commit.cc",
     "      Status status = folders_.chunks->sync();\n", "      Status status;\n"),
    ("failed fsync of chunks/ ignored", "src/storage/commit.cc",
     "      if (folders_status_.ok()) folders_status_ = std::move(status);\n", ""),
    ("a failed fsync of the folder counts as durable", "src/storage/commit.cc",
     "version.durable = folders_status_.ok();", "version.durable = true;"),
    ("journal not synced for a set", "src/storage/commit.cc",
     "return edits > 1 || report_.journal_must_vanish;", "return report_.journal_must_vanish;"),
    ("journal not synced for removals and unstamped files", "src/storage/commit.cc",
     "return edits > 1 || report_.journal_must_vanish;", "return edits > 1;"),
    ("failed journal sync ignored before publishing", "src/storage/commit.cc",
     "if (Status status = sync_journal(); !status) fail_all(status);",
     "(void)sync_journal();"),
    ("transactions not held together", "src/storage/commit.cc",
     "    fail_broken_groups();\n", ""),
    ("backup rotated over by the same version", "src/storage/commit.cc",
     "    if (backup && backup->inode == work.present.info.inode) return {};\n", ""),
    ("renames swapped: new file first, then the backup", "src/storage/commit.cc",
     """    if (work.backup) {
      backups_touched_ = true;
      if (Status s = work.backup->publish(layout::backup_file(chunk)); !s) return s;
    }
    if (Status s = work.temporary->publish(layout::chunk_file(chunk)); !s) return s;
""",
     """    if (Status s = work.temporary->publish(layout::chunk_file(chunk)); !s) return s;
    if (work.backup) {
      backups_touched_ = true;
      if (Status s = work.backup->publish(layout::backup_file(chunk)); !s) return s;
    }
"""),
    ("no last look before the renames", "src/storage/commit.cc",
     "        if (failed.ok()) failed = check_untouched(member);\n", ""),
    ("what another program copied counts as durable", "src/storage/commit.cc",
     "    if (work.present.version->durable) return {};\n    sync_chunks_ = true;\n"
     "    return sync_present(work);",
     "    return {};"),
    ("its folder not synced", "src/storage/commit.cc", "    sync_chunks_ = true;\n    return sync_present(work);", "    return sync_present(work);"),
    ("a hand edit becomes the backup without a fsync", "src/storage/commit.cc",
     "      if (Status status = sync_present(work); !status) return status;\n", ""),
    ("a fsync that failed is tried again", "src/storage/commit.cc",
     "      work.present.version->sync_failed = true;\n", ""),
    ("an update stands upon a version that is gone", "src/storage/chunk_store.cc",
     "found == known_.end() || !found->second.matches(info)", "found == known_.end()"),
    ("a group goes on when its first rename has failed", "src/storage/commit.cc",
     "failed.ok() || visible ? publish(member) : failed", "publish(member)"),
    ("removal leaves the folder unsynced", "src/storage/commit.cc",
     "    backups_touched_ = true;\n    work.published = true;\n    return {};",
     "    backups_touched_ = true;\n    return {};"),
    ("failed unlink ignored", "src/storage/commit.cc",
     "    if (!status && status.code() != ErrorCode::not_found) return status;\n"
     "    status = folders_.chunks->unlink",
     "    status = folders_.chunks->unlink"),
    ("a journal whose fsync failed is synced again", "src/storage/journal.cc",
     "  if (Status status = file->sync_data(); !status) {\n    lock.lock();\n    broken_ = true;\n",
     "  if (Status status = file->sync_data(); !status) {\n    lock.lock();\n"),
    ("a journal without a name counts", "src/storage/journal.cc",
     "  if (Status status = check_in_place(); !status) return status;\n  durable = target;\n",
     "  durable = target;\n"),
    ("a first record without a look at the journal's name", "src/storage/journal.cc",
     "  if (offset == kHeaderSize) {\n", "  if (false) {\n"),
    ("another spelling over the same file", "src/engine/engine_stage.cc",
     "    if (!told_apart) return differs_by_case(chunk, rival);\n", "    (void)told_apart;\n"),
    ("journal sync does nothing", "src/storage/journal.cc",
     "  if (Status status = file->sync_data(); !status) {\n    lock.lock();\n",
     "  if (Status status; !status) {\n    lock.lock();\n"),
    ("reset never durable", "src/storage/journal.cc", "  if (!must_vanish) return {};\n", "  return {};\n"),
    ("rewritten journal not synced", "src/storage/journal.cc",
     "  if (Status status = temporary->make_durable_and_keep_open(); !status) return status;\n"
     "  if (Status status = temporary->publish(layout::kJournal); !status) return status;\n",
     "  if (Status status = root_.rename(layout::kJournalTemporary, root_, layout::kJournal); "
     "!status) return status;\n"),
    ("folder of the rewritten journal not synced", "src/storage/journal.cc",
     "  if (Status status = root_.sync(); !status) return status;\n  broken_ = false;",
     "  broken_ = false;"),
    ("checksums do not continue each other", "src/storage/journal.cc",
     "  chain_ = sum;\n", ""),
    ("failed append ignored", "src/storage/journal.cc",
     "  if (!status) {\n    broken_ = true;\n    return status;\n  }\n  end_ = offset + size;",
     "  end_ = offset + size;"),
    ("attach keeps the old token", "src/engine/engine_core.cc",
     "project->had_journal ? renew_journal(*project, notices) : Status()", "Status()"),
    ("attach does not sync the folders of a dead owner", "src/storage/recovery.cc",
     "    if (!project_.report.clean) {", "    if (false) {"),
    ("attach does not sync the project's folder", "src/storage/recovery.cc",
     "    return folders.root->sync();", "    return {};"),
    ("stamps not looked at in recovery", "src/storage/recovery.cc",
     "  if (says_itself && disk.health == FileHealth::good) {", "  if (false) {"),
    ("journal cut before the commit", "src/engine/engine_commit.cc",
     "    const CommitReport report = commit_edits(",
     "    (void)project.journal->reset(false);\n    const CommitReport report = commit_edits("),
    ("no quarantine before a damaged file is healed", "src/storage/chunk_store.cc",
     "    const Status kept = quarantine(layout::chunk_file(chunk), primary.bytes, added);\n",
     "    const Status kept;\n"),
    ("healed file's folder not synced", "src/storage/chunk_store.cc",
     "    return folders_.chunks->sync();\n  };\n  backup.reason = publish();",
     "    return Status();\n  };\n  backup.reason = publish();"),
    ("rot not told from an edit", "src/storage/inspection.cc",
     "  if (stamp && stamp->modified_ns == modified_ns) {", "  if (false) {"),
    ("an equal text is taken for what is staged", "src/engine/engine_stage.cc",
     "staged->edit().text == first.text && first.base == first.text) {", "staged->edit().text == first.text) {"),
    ("an update upon a staged one does not look at the disk", "src/engine/engine_stage.cc",
     "(base.text == staged->edit().found || base.text == kUnknownDigest)) {", "true) {"),
    ("the journal acknowledges upon what is not durable", "src/engine/engine_commit.cc",
     "  if (!certain || !project->lock->check_held())", "  if (!project->lock->check_held())"),
    ("a rewritten journal stands upon what is visible", "src/engine/engine_commit.cc",
     "base.durable ? base.text : kUnknownDigest", "base.text"),
    ("a file that cannot be read is replayed over", "src/storage/recovery.cc",
     "    if (!judged && inspection.reason.error().os_errno != 0) return inspection.reason;\n",
     "    if (!judged && inspection.reason.error().os_errno != 0) {\n      chain.replay = Replay::stage;\n"
     "      return {};\n    }\n"),
    ("a removal is done although a backup is left", "src/storage/recovery.cc",
     "last.removal && !disk.has_backup ?", "last.removal ?"),
    ("heal without a last look", "src/storage/chunk_store.cc",
     "    if (Status status = check_untouched(chunk, found, linked); !status) return status;\n",
     "    (void)found, (void)linked;\n"),
    ("a lost lock does not keep from healing", "src/engine/engine_read.cc",
     "    if (Status held = project.lock->check_held(); !held) return held;\n", ""),
    ("evidence that is there counts as durable", "src/storage/chunk_store.cc",
     "return evidence_.contains(name) ? Status() : quarantine_->sync();", "return {};"),
    ("a hand edit goes with the removal", "src/storage/commit.cc",
     "    if (!work.edit->removal || !version || version->ours) return {};\n", "    return {};\n"),
    ("its own version is another program's", "src/storage/commit.cc",
     "if (!work.edit->removal || !version || version->ours) return {};",
     "if (!work.edit->removal || !version) return {};"),
    ("a journal that was not emptied durably is written on", "src/storage/journal.cc",
     "    broken_ = true;\n    header_torn_ = true;\n  }\n  return status;\n",
     "    broken_ = true;\n  }\n  return status;\n"),
    ("half a set is pinned", "src/engine/engine_checkpoint.cc", "  if (unsaved_) {\n", "  if (false) {\n"),
    ("a stamp that cannot be read is none", "src/storage/inspection.cc",
     "  return has_none ? Result<std::optional<Stamp>>(std::nullopt) : value.status();\n",
     "  return has_none || true ? Result<std::optional<Stamp>>(std::nullopt) : value.status();\n"),
    ("an update that the file equals is done", "src/storage/recovery.cc",
     "  if (disk.text == last.text) return Replay::confirm;\n", "  if (disk.text == last.text) return Replay::nothing;\n"),
    ("what is under both names is the backup as it is", "src/storage/commit.cc",
     "    if (may_be_synced(*work.present.version)) {\n",
     "    const auto shared = folders_.backups->stat(layout::backup_file(chunk));\n"
     "    if (shared && shared->inode == work.present.info.inode) return {};\n"
     "    if (may_be_synced(*work.present.version)) {\n"),
    ("a file that is missing at an attach stays so", "src/storage/recovery.cc",
     "    if (Status s = folders.chunks->sync(); !s) return s;\n",
     "    if (!project_.report.clean) {\n      if (Status s = folders.chunks->sync(); !s) return s;\n    }\n"),
    ("an edit that a commit overtakes is gone for certain", "src/engine/engine_stage.cc",
     "    if (base.overtaken) durable = false;\n", ""),
    ("a hand edit goes with the removal of a damaged chunk", "src/storage/commit.cc",
     "    if (version->text == work.edit->found) return {};\n",
     "    if (version->text == work.edit->found || work.edit->found == kUnknownDigest) return {};\n"),
    ("a removal that was replaced may come back", "src/storage/journal.cc",
     "std::exchange(has_removal_, false) || durable", "durable"),
    ("a folder that was moved away is written to", "src/engine/engine_commit.cc",
     "  if (status.ok() && !set.empty()) {\n", "  if (false) {\n"),
    ("a checkpoint whose name is not synced", "src/storage/checkpoint.cc",
     "  if (Status status = checkpoints.sync(); !status) return status;\n", ""),
    ("detach forgets the journal's folder", "src/storage/journal.cc",
     "  if (!status && status.code() != ErrorCode::not_found) return status;\n  return root_.sync();\n}\n\n}",
     "  if (!status && status.code() != ErrorCode::not_found) return status;\n  return {};\n}\n\n}"),
]


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
    lost = [f"{name}: the place is not there exactly once in {file}" for name, file, old, _ in MUTANTS
            if (ROOT / file).read_text().count(old) != 1]
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
    for name, file, old, new in MUTANTS:
        if not re.search(arguments.only, name):
            continue
        path = COPY / file
        text = path.read_text()
        path.write_text(text.replace(old, new))
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
