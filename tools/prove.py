#!/usr/bin/env python3
"""Runs the tests of safety at depth, for about as many minutes as given, and sums them up.

usage: tools/prove.py --build FOLDER --fuzzers FOLDER --summary FILE MINUTES

The storms and the power cuts reach their full counts from 10 minutes on; crash states and fuzzers use
the time that is given to them. Every seed is printed with what failed. Each proof has a count that it must
reach, less when there are fewer minutes; only tests that say that this machine cannot run them excuse it.
Exit status 1 when something failed or was not reached; 130 after Ctrl-C (or SIGTERM), which ends what is
running and prints the table of what was done.
"""

import argparse
import concurrent.futures
import contextlib
import json
import math
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORES = os.cpu_count() or 1
CRASH_CASES = 58
FULL_DEPTH = 10  # minutes
LIVES_APART = 1_000_000_000  # seeds
# Death of a process needs no real disk, and files in memory make ten times as many deaths.
MEMORY = "/dev/shm"
STORM = {"TMPDIR": MEMORY, "SAFECHUNK_PATIENCE": 3600}
FUZZERS = ["archive", "c_api", "edit", "engine", "journal", "json", "lock_text", "names", "restore", "stamp"]

PASSED = r"\[  PASSED  \] (\d+) test"
SKIPPED = 77  # exit status of a script that cannot run on this machine
PATIENCE_S = 5  # for what was asked to end

# Shares of the cores' time.
CRASH_SHARE = 0.6
LIVES_SHARE = 0.04
FUZZ_SHARE = 0.15

# What must be reached in FULL_DEPTH minutes: a million states in all. The latter two do not depend on time.
SECOND_OWNER_STATES, FAILED_SYNC_STATES = 280_000, 140_000
STATES = (1_000_000 - SECOND_OWNER_STATES - FAILED_SYNC_STATES) * min(1, CORES / 2)
LOG_STATES, LOG_LIVES = 100_000, 30
STATES_AT_LEAST = 50_000  # the first rounds alone, however few the minutes
# Far below what is usual: these only tell that something was fuzzed.
FUZZED_AT_LEAST = {"archive": 10_000, "c_api": 1_000, "edit": 10_000, "engine": 200, "journal": 10_000, "json": 10_000,
                   "lock_text": 10_000, "names": 10_000, "restore": 500, "stamp": 10_000}


class Command:
    """A program, and how to tell that it has done what it should."""

    def __init__(self, line, environment=None, gtest=True, may_skip=False):
        self.line = [str(part) for part in line]
        self.environment = {key: str(value) for key, value in (environment or {}).items()}
        self.gtest, self.may_skip = gtest, may_skip

    def problem(self, status, output):
        """What is wrong with how it ended; None: nothing."""
        if "[  FAILED  ]" in output:
            return "a test failed"
        if status == SKIPPED and self.may_skip:
            return None
        if status != 0:
            return f"exit status {status}"
        if not self.gtest:
            return None
        started = re.search(r"^\[=+\] Running (\d+) tests?", output, re.M)
        count = int(started[1]) if started else 0
        ended = sum(int(number) for number in re.findall(r"^\[  (?:PASSED  |SKIPPED )\] (\d+) tests?\b", output, re.M))
        if count == 0:
            return "it ran no test"
        return None if ended == count else f"of {count} tests, {ended} passed or were skipped"

    def skipped(self, status, output):
        """How many tests said that they cannot run here, or how many a script counted."""
        tests = set(re.findall(r"^\[  SKIPPED \] ([A-Za-z]\S*)", output, re.M))
        counted = re.findall(r"^\d+ passed, \d+ failed, (\d+) skipped", output, re.M)
        return len(tests) + sum(int(number) for number in counted) + (status == SKIPPED)


class Proof:
    """One thing to prove: commands, what of their output is counted, and how much there must be."""

    def __init__(self, name, commands, counted, pattern, minimum, environment=None, promises=""):
        self.name, self.commands, self.counted = name, commands, counted
        self.pattern, self.minimum = re.compile(pattern), int(minimum)
        self.environment = {key: str(value) for key, value in (environment or {}).items()}
        self.promises = promises


class Result:
    """What the commands of a proof found so far."""

    def __init__(self):
        self.count = self.failures = self.skipped = self.finished = 0
        self.seconds = 0.0


def command_line(environment, command):
    return " ".join([*(f"{key}={value}" for key, value in environment.items()),
                     *command])


class Jobs:
    """The commands that run now. Each has a process group and a folder for its temporary files."""

    def __init__(self, timeout_s):
        self.timeout_s = timeout_s
        self.lock = threading.Lock()
        self.running = {}  # process -> name of its proof
        self.stopping = False

    def run(self, name, command, environment):
        """(exit status, output); the status is None when it was stopped, and a text when it did not end."""
        scratch = tempfile.mkdtemp(prefix="safechunk-prove-", dir=environment.get("TMPDIR"))
        os.chmod(scratch, 0o711)  # some tests become another user
        try:
            with self.lock:
                if self.stopping:
                    return None, ""
                try:
                    process = subprocess.Popen(command, env={**environment, "TMPDIR": scratch}, cwd=ROOT,
                                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                               errors="replace", start_new_session=True)
                except OSError as error:
                    return str(error), ""
                self.running[process] = name
            status, output = self.wait(process)
            with self.lock:
                del self.running[process]
                return None if self.stopping else status, output
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def wait(self, process):
        """(exit status, output) of what ends in time; else it is asked to end, and then made to."""
        for number, patience in ((signal.SIGINT, self.timeout_s), (signal.SIGKILL, PATIENCE_S), (None, PATIENCE_S)):
            try:
                output = process.communicate(timeout=patience)[0]
                late = number != signal.SIGINT
                return f"none: it had not ended after {self.timeout_s:.0f} s" if late else process.returncode, output
            except subprocess.TimeoutExpired:
                if number is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, number)
        return "none: it cannot be ended", ""

    def stop(self):
        """Asks all to end, so that they can unmount what they mounted; insists when they do not."""
        with self.lock:
            self.stopping = True
        self.signal(signal.SIGINT)
        deadline = time.monotonic() + PATIENCE_S
        while self.names() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.signal(signal.SIGKILL)

    def signal(self, number):
        with self.lock:
            for process in self.running:
                with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                    os.killpg(process.pid, number)

    def names(self):
        with self.lock:
            return sorted(set(self.running.values()))


def run(proof, command, result, jobs, lock, log):
    environment = {**proof.environment, **command.environment}
    begin = time.monotonic()
    status, output = jobs.run(proof.name, command.line, {**os.environ, **environment})
    with lock:
        result.seconds += time.monotonic() - begin
        result.finished += status is not None
        result.count += sum(int(number) for number in proof.pattern.findall(output))
        result.skipped += command.skipped(status, output)
        line = command_line(environment, command.line)
        log.write(f"== {line}\n{output}\n")
        log.flush()
        problem = None if status is None else command.problem(status, output)
        if problem:
            result.failures += 1
            log.write(f"== FAILED: {problem}\n")
            print(f"\nFAILED: {line}\n{output[-4000:]}\n{problem}", flush=True)


def shards(program, test_filter, cases):
    """Commands that share the cases; there are at least so many. An odd number of them: neighbours are much alike, and
    every second case may take long."""
    count = min(2 * CORES + 1, cases)
    return [Command([program, f"--gtest_filter={test_filter}"],
                    {"GTEST_TOTAL_SHARDS": count, "GTEST_SHARD_INDEX": i}) for i in range(count)]


def keeps_attributes(folder):
    """Whether files there have extended attributes: tests of stamps need them."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            os.setxattr(file.name, "user.probe", b"1")
    except OSError:
        return False
    return True


def allocation_commands(program):
    """One for each case of the long test, and one for the others."""
    cases = [f"All/Allocations.ThatFailLoseNothing/{often}_then_{end}"
             for often in ("for_good", "once") for end in ("saved", "killed")]
    return [Command([program, f"--gtest_filter={test_filter}"])
            for test_filter in (*cases, "-All/Allocations.*")]


def script(name, *arguments, may_skip=False):
    return Command(["/usr/bin/python3", ROOT / "tools" / name, *arguments], gtest=False, may_skip=may_skip)


def proofs(build, fuzzers, minutes):
    """Those whose time does not shrink with the minutes come first: nothing else should wait for them."""
    depth = min(1.0, minutes / FULL_DEPTH)
    tests = build / "tests"
    return [*long_proofs(tests, depth), *storm_proofs(tests / "process", depth),
            *crash_proofs(tests / "power_cut", minutes, depth),
            *neighbour_proofs(tests / "other_program", minutes, depth),
            *failure_proofs(tests / "failures", depth == 1), *other_proofs(build, tests),
            *place_proofs(tests, "in_place", "in place", depth, 1.0),
            *place_proofs(tests, "file", "one file", depth, 0.4),
            *fuzz_proofs(fuzzers, minutes, depth)]


def long_proofs(tests, depth):
    cuts, shutdowns, all_allocations = max(2, math.ceil(20 * depth)), max(2, math.ceil(60 * depth)), depth == 1
    return [
        Proof("failing allocations", allocation_commands(tests / "failures" / "allocation_test"), "runs",
              r"(\d+) runs", 2900 if all_allocations else 550,
              {"SAFECHUNK_ALLOCATION_STRIDE": 1 if all_allocations else 5,
               **({"TMPDIR": MEMORY} if keeps_attributes(MEMORY) else {})}, "G3 G4 G8"),
        Proof("power cuts", shards(tests / "power_cut" / "power_cut_test", "*", 100), "power cuts",
              r"(\d+) power cuts", 100 * cuts, {"SAFECHUNK_POWER_CUTS": cuts}, "G1 to G5"),
        Proof("file systems shut down", shards(tests / "power_cut" / "shutdown_test", "*", 9), "shutdowns",
              r"(\d+) shutdowns", 9 * shutdowns, {"SAFECHUNK_POWER_CUTS": shutdowns}, "G1 to G5"),
        Proof("models", [script("check_models.py")], "states", r"(\d+) +[\d.]+ +(?:holds|violated)", 75_000_000, {},
              "G1 to G5, G7, G9"),
    ]


def storm_proofs(process, depth):
    storm, contended = max(1, round(100 * depth)), max(1, round(20 * depth))
    return [
        Proof("kill storm", [Command([process / "kill_test"])], "kills", r"(\d+) kills,", 100 * storm,
              {"SAFECHUNK_STORM": storm, **STORM}, "G2 G3 G4"),
        Proof("kill storm of a log", [Command([process / "log_test", "--gtest_filter=Log.Kills*"])], "kills",
              r"(\d+) kills,", 20 * max(1, storm // 10), {"SAFECHUNK_STORM": max(1, storm // 10), **STORM}, "G18"),
        Proof("lock storm", [Command([process / "lock_test", "--gtest_filter=LockStorm.*"])], "acquisitions",
              r"(\d+) owners", 1600 * contended,
              {"SAFECHUNK_CONTENDERS": 32, "SAFECHUNK_STORM": contended, **STORM}, "G3 G9"),
    ]


def crash_proofs(crash, minutes, depth):
    seconds = max(1, int(minutes * 60 * CORES * CRASH_SHARE / CRASH_CASES))
    program, counted = crash / "crash_states_test", ("distinct states", r"(\d+) distinct states")
    return [
        Proof("crash states", shards(program, "All/CrashStates.*", CRASH_CASES), *counted,
              STATES if depth == 1 else max(STATES_AT_LEAST, STATES * depth / 2),
              {"SAFECHUNK_CRASH_SEEDS": 3, "SAFECHUNK_CRASH_STRIDE": 8, "SAFECHUNK_CRASH_SECONDS": seconds},
              "G1 to G6"),
        Proof("crashes of a second owner", shards(program, "All/SecondLife.*", 16), *counted,
              SECOND_OWNER_STATES, {}, "G1 to G6"),
        Proof("crashes after a failed fsync", shards(program, "All/AfterAFailedSync.*", 20), *counted,
              FAILED_SYNC_STATES, {}, "G1 to G6"),
        Proof("crashes of logs", shards(crash / "log_crash_test", "*", 5), *counted,
              LOG_STATES if depth == 1 else LOG_STATES * depth / 2,
              {"SAFECHUNK_CRASH_SEEDS": 8, "SAFECHUNK_LIVES": max(4, round(LOG_LIVES * depth))}, "G18"),
        Proof("crashes of a recovery", [Command([crash / "recovery_crash_test"])], "power cuts",
              r"(\d+) power cuts", 1000, {}, "G1 G4"),
        Proof("random lives", [Command([crash / "random_lives_test"], {"SAFECHUNK_LIVES_SEED": 1 + i * LIVES_APART})
                               for i in range(CORES)], "lives", r"(\d+) lives", 10_000 * depth,
              {"SAFECHUNK_LIVES_SECONDS": max(1, int(minutes * 60 * LIVES_SHARE))}, "G1 G3 G4 G8"),
    ]


def failure_proofs(failures, every_byte):
    return [
        Proof("faults at every call", [*shards(failures / "faults_test", "*", 29),
                                       Command([failures / "operation_faults_test"])],
              "runs", r"(\d+) runs with a fault", 60_000, {}, "G1 to G8, G13"),
        Proof("rot", shards(failures / "rot_test", "*", 9), "damages", r"(\d+) damages",
              65_000 if every_byte else 9_000, {"SAFECHUNK_ROT_STRIDE": 1 if every_byte else 7}, "G6 G7 G13"),
        Proof("full disks", [Command([failures / "full_disk_test"])], "tests", PASSED, 10, {}, "G2 G7 G8"),
    ]


def neighbour_proofs(other_program, minutes, depth):
    return [
        Proof("another program at every call", shards(other_program / "other_program_test", "*", 120), "edits",
              r"(\d+) (?:edits|deaths after an edit) by another program", 45_000, {}, "G7 G15"),
        Proof("another program at random",
              [Command([other_program / "random_neighbours_test"], {"SAFECHUNK_NEIGHBOURS_SEED": 1 + i * LIVES_APART})
               for i in range(CORES)], "edits", r"(\d+) edits by another program", 50_000 * depth,
              {"SAFECHUNK_NEIGHBOURS_SECONDS": max(1, int(minutes * 60 * LIVES_SHARE))}, "G15"),
    ]


def place_proofs(tests, place, name, depth, share):
    """The same families over files that stay where they are (tests/support/place.h), with a share of the depth. `share`: how much
    of that there is to do in this place."""
    storm = max(1, round(20 * depth))
    rows = [
        ("crash states", shards(tests / "power_cut" / "crash_states_test", "All/CrashStates.*", CRASH_CASES), "distinct states",
         r"(\d+) distinct states", 60_000 * share,
         {"SAFECHUNK_CRASH_ONE_IN": 1, "SAFECHUNK_CRASH_SEEDS": 3, "SAFECHUNK_CRASH_STRIDE": 200}, "G1 to G6"),
        ("random lives", [Command([tests / "power_cut" / "random_lives_test"])], "lives", r"(\d+) lives", 150, {}, "G1 G3 G4 G8"),
        ("faults at every call", shards(tests / "failures" / "faults_test", "*", 29), "runs", r"(\d+) runs with a fault",
         9_000 * share, {}, "G1 to G8, G13"),
        ("rot", shards(tests / "failures" / "rot_test", "*", 9), "damages", r"(\d+) damages", 2_500 * share,
         {"SAFECHUNK_ROT_STRIDE": 7}, "G6 G7 G13"),
        ("kill storm", [Command([tests / "process" / "kill_test"])], "kills", r"(\d+) kills,", 10 * storm,
         {"SAFECHUNK_STORM": storm, **STORM}, "G2 G3 G4"),
    ]
    return [Proof(f"{title}, {name}", commands, counted, pattern, minimum, {"SAFECHUNK_TEST_PLACE": place, **environment},
                  promises) for title, commands, counted, pattern, minimum, environment, promises in rows]


def other_proofs(build, tests):
    return [
        Proof("locks, forks, processes", [Command([tests / "process" / "lock_test", "--gtest_filter=-LockStorm.*"])],
              "tests", PASSED, 19, {}, "G9"),
        Proof("planted files, permissions, edits", [Command([tests / "other_program" / "hostile_folder_test"])],
              "tests", PASSED, 60, {}, "G6 G12 G14"),
        Proof("other file systems", [script("other_file_systems.py", "--build", build, may_skip=True)], "tests",
              r"(\d+) passed, \d+ failed", 330, {}, "G2 to G14"),
    ]


def fuzz_proofs(fuzzers, minutes, depth):
    seconds = max(5, int(minutes * 60 * CORES * FUZZ_SHARE / len(FUZZERS)))
    return [Proof(f"fuzz {name}", [Command(fuzz_command(fuzzers / f"fuzz_{name}", seconds), gtest=False)], "inputs",
                  r"stat::number_of_executed_units: (\d+)", max(20, FUZZED_AT_LEAST[name] * depth),
                  {"TMPDIR": MEMORY}, "G6 G12") for name in FUZZERS]


def fuzz_command(target, seconds):
    name = target.name.removeprefix("fuzz_")
    grown = ROOT / "build" / "corpus" / target.name
    grown.mkdir(parents=True, exist_ok=True)
    return [target, f"-max_total_time={seconds}", "-print_final_stats=1", f"-artifact_prefix={grown.parent}/",
            grown, ROOT / "fuzz" / "corpus" / name]


def show_progress(begin, minutes, jobs, stop):
    while not stop.wait(15):
        left = ", ".join(jobs.names()) or "nothing"
        print(f"  {time.monotonic() - begin:5.0f} s of about {minutes * 60:.0f}: running {left}", flush=True)


def run_all(todo, results, minutes, timeout_s, log):
    """Whether it came to its end."""
    jobs, lock, stop = Jobs(timeout_s), threading.Lock(), threading.Event()
    progress = threading.Thread(target=show_progress, args=(time.monotonic(), minutes, jobs, stop))
    progress.start()
    # The storms wait for the disk most of the time: one more job than cores.
    pool = concurrent.futures.ThreadPoolExecutor(CORES + 1)
    futures = [pool.submit(run, proof, command, results[proof.name], jobs, lock, log)
               for proof in todo for command in proof.commands]
    try:
        concurrent.futures.wait(futures)
    except KeyboardInterrupt:
        print("\nstopping", flush=True)
        jobs.stop()
    finally:
        pool.shutdown(cancel_futures=True)
        stop.set()
        progress.join()
    for future in futures:
        if not future.cancelled():
            future.result()
    return not jobs.stopping


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--fuzzers", type=pathlib.Path, required=True)
    parser.add_argument("--summary", type=pathlib.Path, required=True)
    parser.add_argument("--timeout", type=float, metavar="SECONDS",
                        help="for one command (default: 3 x MINUTES, and 10 minutes more)")
    parser.add_argument("minutes", type=float)
    arguments = parser.parse_args()
    if arguments.minutes <= 0:
        parser.error("MINUTES must be positive")

    for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: the commands would live on
        signal.signal(number, signal.default_int_handler)
    todo = proofs(arguments.build.resolve(), arguments.fuzzers.resolve(), arguments.minutes)
    results = {proof.name: Result() for proof in todo}
    begin = time.monotonic()
    arguments.summary.parent.mkdir(parents=True, exist_ok=True)
    with open(arguments.summary.with_suffix(".log"), "w", encoding="utf-8") as log:
        complete = run_all(todo, results, arguments.minutes,
                           arguments.timeout or (3 * arguments.minutes + 10) * 60, log)

    took = time.monotonic() - begin
    rows = [row_of(proof, results[proof.name]) for proof in todo]
    failed = [row for row in rows if row["failed"] or row["falls_short"]]
    arguments.summary.write_text(json.dumps({"minutes": arguments.minutes, "seconds": round(took, 1),
                                             "cores": CORES, "complete": complete, "failed": len(failed),
                                             "proofs": rows}, indent=2))
    print_table(rows)
    print(f"\n{took:.0f} s; {arguments.summary} has this table, {arguments.summary.with_suffix('.log')} all output")
    sys.exit(130 if not complete else 1 if failed else 0)


def row_of(proof, result):
    finished = result.finished == len(proof.commands)
    few = finished and result.count < proof.minimum
    return {"proof": proof.name, "promises": proof.promises, "count": result.count, "at_least": proof.minimum,
            "of": proof.counted, "failed": result.failures, "skipped": result.skipped, "finished": finished,
            # Less than it must be, and no test says that it cannot run here.
            "falls_short": few and result.skipped == 0, "skipped_here": few and result.skipped > 0,
            "seconds": round(result.seconds, 1), "environment": proof.environment}


def mark_of(row):
    if row["failed"]:
        return "  <-- FAILED"
    if row["falls_short"]:
        return f"  <-- NOT PROVED: fewer than {row['at_least']:,}"
    if row["skipped_here"]:
        return f"  (not proved here: fewer than {row['at_least']:,}, as tests were skipped)"
    return "" if row["finished"] else "  (stopped)"


def print_table(rows):
    print(f"\n{'proof':34}{'count':>12} {'of':18}{'failed':>7}{'skipped':>8}{'seconds':>9}  promises")
    for row in rows:
        print(f"{row['proof']:34}{row['count']:>12,} {row['of']:18}{row['failed']:>7}{row['skipped']:>8}"
              f"{row['seconds']:>9.1f}  {row['promises']}{mark_of(row)}")


if __name__ == "__main__":
    main()
