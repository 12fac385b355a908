"""Runs tools/prove.py over a build tree of shell scripts, and expects it to notice what was not proved."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

PROVE = pathlib.Path(__file__).resolve().parent.parent.parent / "tools" / "prove.py"
MINUTES = "0.01"
FUZZERS = ["archive", "c_api", "edit", "engine", "journal", "json", "lock_text", "names", "restore", "stamp"]
PROGRAMS = [
    "power_cut/crash_states_test", "power_cut/log_crash_test", "power_cut/power_cut_test", "power_cut/random_lives_test",
    "power_cut/recovery_crash_test", "power_cut/shutdown_test",
    "failures/allocation_test", "failures/faults_test", "failures/full_disk_test", "failures/operation_faults_test",
    "failures/rot_test",
    "other_program/hostile_folder_test", "other_program/other_program_test", "other_program/random_neighbours_test",
    "process/kill_test", "process/lock_test", "process/log_test",
]
COUNTS = "; ".join(f"99999999 {what}" for what in (
    "runs with a fault", "power cuts", "shutdowns", "kills,", "owners", "distinct states", "runs", "damages", "lives",
    "edits by another program"))


def gtest(ran=99, passed=99, more="", status=0):
    """The script of a test program that says so."""
    return f"""echo '[==========] Running {ran} tests from 1 test suite.'
echo '{COUNTS}'
echo '[  PASSED  ] {passed} tests.'
echo '{more}'
exit {status}
"""


OTHER_FILE_SYSTEMS = "print('999 passed, 0 failed, 3 skipped; the output is there')"
MODELS = "print('99999999 0.1 holds')"
FUZZER = "echo 'stat::number_of_executed_units: 99999999'"
SKIPPED = "[  SKIPPED ] 99 tests, listed below:\n[  SKIPPED ] All/PowerCuts.Lose/ext4"


class Tree:
    """A build tree in which everything is proved."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "tools").mkdir()
        shutil.copy(PROVE, folder / "tools")
        for program in PROGRAMS:
            self.program(program, gtest())
        for name in FUZZERS:
            self.write(f"build/fuzz/fuzz_{name}", FUZZER)
        self.write("tools/other_file_systems.py", OTHER_FILE_SYSTEMS)
        self.write("tools/check_models.py", MODELS)

    def write(self, path, text):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text if path.endswith(".py") else "#!/bin/sh\n" + text)
        file.chmod(0o755)

    def program(self, path, text):
        self.write(f"build/release/tests/{path}", text)

    def prove(self, *options):
        """(exit status, rows by name, output)"""
        summary = self.folder / "summary.json"
        done = subprocess.run(
            [sys.executable, self.folder / "tools" / "prove.py", "--build", self.folder / "build" / "release",
             "--fuzzers", self.folder / "build" / "fuzz", "--summary", summary, *options, MINUTES],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=120)
        if not summary.exists():
            raise AssertionError(done.stdout)
        rows = {row["proof"]: row for row in json.loads(summary.read_text())["proofs"]}
        return done.returncode, rows, done.stdout


def empty_shard(tree):
    tree.program("power_cut/crash_states_test", f'[ "$GTEST_SHARD_INDEX" = 0 ] || {{ {gtest(0, 0)} }}\n{gtest()}')
    return "crash states", "it ran no test"


def no_test_matches(tree):
    tree.program("failures/rot_test", gtest(0, 0))
    return "rot", "it ran no test"


def no_output(tree):
    tree.program("failures/full_disk_test", "exit 0")
    return "full disks", "it ran no test"


def a_test_is_missing(tree):
    tree.program("other_program/hostile_folder_test", gtest(99, 98))
    return "planted files, permissions, edits", "of 99 tests, 98 passed or were skipped"


def too_few(tree):
    tree.program("failures/faults_test", gtest().replace("99999999", "1"))
    tree.program("failures/operation_faults_test", gtest().replace("99999999", "1"))
    return "faults at every call", "NOT PROVED: fewer than 60,000"


def a_program_skips_itself(tree):
    tree.program("power_cut/power_cut_test", gtest(status=77))
    return "power cuts", "exit status 77"


def a_script_skips_and_fails(tree):
    tree.write("tools/other_file_systems.py", "print('[  FAILED  ] A.B'); raise SystemExit(77)")
    return "other file systems", "a test failed"


def the_models_skip(tree):
    tree.write("tools/check_models.py", f"{MODELS}; raise SystemExit(77)")
    return "models", "exit status 77"


def a_fuzzer_is_missing(tree):
    (tree.folder / "build/fuzz/fuzz_stamp").unlink()
    return "fuzz stamp", "No such file"


def a_program_hangs(tree):
    tree.program("process/kill_test", gtest().replace("exit", "sleep 300; exit"))
    return "kill storm", "it had not ended after 3 s"


def a_failure_with_status_0(tree):
    tree.program("process/lock_test", gtest(more="[  FAILED  ] LockFork.Some"))
    return "lock storm", "a test failed"


MISSED = [empty_shard, no_test_matches, no_output, a_test_is_missing, too_few, a_program_skips_itself,
          a_script_skips_and_fails, the_models_skip, a_fuzzer_is_missing, a_program_hangs, a_failure_with_status_0]


def expect(condition, what, output):
    if not condition:
        sys.exit(f"{output}\n\n{what}")


def in_a_tree(test):
    with tempfile.TemporaryDirectory() as folder:
        test(Tree(pathlib.Path(folder)))


def everything_is_proved(tree):
    status, rows, output = tree.prove()
    expect(status == 0, f"status {status} although everything is proved", output)
    expect(len(rows) == 41, f"{len(rows)} proofs", output)
    expect(not any(row["failed"] for row in rows.values()), "something failed", output)
    expect(rows["other file systems"]["skipped"] == 3, "what a script skipped is not counted", output)


def what_cannot_run_here_is_said(tree):
    tree.program("power_cut/power_cut_test", gtest(99, 0, SKIPPED).replace(COUNTS, ""))
    tree.write("tools/other_file_systems.py", "print('skipped: no mounts'); raise SystemExit(77)")
    status, rows, output = tree.prove()
    expect(status == 0, f"status {status} although all else is proved", output)
    for name in ("power cuts", "other file systems"):
        expect(rows[name]["skipped"] > 0 and rows[name]["skipped_here"], f"{name} is not said to be skipped", output)
    expect(output.count("not proved here") == 2, "the table does not say so", output)


def main():
    in_a_tree(everything_is_proved)
    in_a_tree(what_cannot_run_here_is_said)
    for change in MISSED:
        with tempfile.TemporaryDirectory() as folder:
            tree = Tree(pathlib.Path(folder))
            name, words = change(tree)
            status, rows, output = tree.prove("--timeout", "3")
            expect(status == 1, f"{change.__name__}: status {status}", output)
            expect(rows[name]["failed"] or rows[name]["falls_short"], f"{change.__name__}: {name} did not fail", output)
            expect(words in output, f"{change.__name__}: nothing says '{words}'", output)


main()
