#!/usr/bin/env python3
"""Runs the tests of safety at depth, for about as many minutes as given, and sums them up.

usage: tools/prove.py --build FOLDER --fuzzers FOLDER --summary FILE MINUTES

The storms and the power cuts reach their full counts from 10 minutes on; crash states and fuzzers use
the time that is given to them. Every seed is printed with what failed. Exit status 1 when something
failed; 130 after Ctrl-C (or SIGTERM), which ends what is running and prints the table of what was done.
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
CRASH_CASES = 40
FULL_DEPTH = 10  # minutes
LIVES_APART = 1_000_000_000  # seeds
# Death of a process needs no real disk, and files in memory make ten times as many deaths.
STORM = {"TMPDIR": "/dev/shm", "SAFECHUNK_PATIENCE": 3600}

SKIPPED = 77  # exit status of a script that cannot run on this machine
PATIENCE_S = 5  # for what was asked to end

# Shares of the cores' time.
CRASH_SHARE = 0.55
LIVES_SHARE = 0.05
FUZZ_SHARE = 0.15


class Proof:
    """One thing to prove: commands, and what of their output is counted."""

    def __init__(self, name, commands, counted, pattern, environment=None, promises=""):
        self.name, self.commands, self.counted = name, commands, counted
        self.pattern = re.compile(pattern)
        self.environment = {key: str(value) for key, value in (environment or {}).items()}
        self.promises = promises


class Result:
    """What the commands of a proof found so far."""

    def __init__(self):
        self.count = self.failures = self.skipped = self.finished = 0
        self.seconds = 0.0


def command_line(environment, command):
    return " ".join([*(f"{key}={value}" for key, value in environment.items()),
                     *(str(part) for part in command)])


class Jobs:
    """The commands that run now. Each has a process group and a folder for its temporary files."""

    def __init__(self):
        self.lock = threading.Lock()
        self.running = {}  # process -> name of its proof
        self.stopping = False

    def run(self, name, command, environment):
        """(exit status, output); the status is None when it was stopped."""
        scratch = tempfile.mkdtemp(prefix="safechunk-prove-", dir=environment.get("TMPDIR"))
        os.chmod(scratch, 0o711)  # some tests become another user
        try:
            with self.lock:
                if self.stopping:
                    return None, ""
                process = subprocess.Popen(command, env={**environment, "TMPDIR": scratch}, cwd=ROOT,
                                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                           errors="replace", start_new_session=True)
                self.running[process] = name
            output = process.communicate()[0]
            with self.lock:
                del self.running[process]
                return None if self.stopping else process.returncode, output
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

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
    extra = {}
    if isinstance(command, tuple):
        extra, command = command
    begin = time.monotonic()
    status, output = jobs.run(proof.name, [str(part) for part in command], {**os.environ, **proof.environment, **extra})
    with lock:
        result.seconds += time.monotonic() - begin
        result.finished += status is not None
        result.count += sum(int(number) for number in proof.pattern.findall(output))
        result.skipped += len(set(re.findall(r"^\[  SKIPPED \] (\S+)", output, re.M)))
        line = command_line({**proof.environment, **extra}, command)
        log.write(f"== {line}\n{output}\n")
        log.flush()
        if status == SKIPPED:
            result.skipped += 1
        elif status not in (0, None) or "[  FAILED  ]" in output:
            result.failures += 1
            print(f"\nFAILED: {line}\n{output[-4000:]}", flush=True)


def shards(program, test_filter):
    """One command for each core, which share the cases."""
    return [({"GTEST_TOTAL_SHARDS": str(CORES), "GTEST_SHARD_INDEX": str(i)},
             [program, f"--gtest_filter={test_filter}"]) for i in range(CORES)]


def proofs(build, fuzzers, minutes):
    seconds = minutes * 60 * CORES
    depth = min(1.0, minutes / FULL_DEPTH)
    tests = build / "tests"
    crash = tests / "crash"
    process = tests / "process"
    targets = sorted(path for path in fuzzers.glob("fuzz_*") if path.is_file() and os.access(path, os.X_OK))
    fuzz_seconds = max(5, int(seconds * FUZZ_SHARE / max(1, len(targets))))
    passed = r"\[  PASSED  \] (\d+) test"
    return [
        Proof("kill storm", [[process / "kill_test"]], "kills", r"(\d+) kills,", {
            "SAFECHUNK_STORM": max(1, round(100 * depth)), **STORM}, "G2 G3 G4"),
        Proof("lock storm", [[process / "lock_test", "--gtest_filter=LockStorm.*"]], "acquisitions",
              r"(\d+) owners", {"SAFECHUNK_CONTENDERS": 32,
                                "SAFECHUNK_STORM": max(1, round(20 * depth)), **STORM}, "G3 G9"),
        Proof("crash states", shards(crash / "crash_states_test", "All/CrashStates.*"), "distinct states",
              r"(\d+) distinct states", {
                  "SAFECHUNK_CRASH_SEEDS": 3, "SAFECHUNK_CRASH_STRIDE": 2,
                  "SAFECHUNK_CRASH_SECONDS": max(1, int(seconds * CRASH_SHARE / CRASH_CASES))},
              "G1 to G6"),
        Proof("crashes of a second owner", shards(crash / "crash_states_test", "All/SecondLife.*"),
              "distinct states", r"(\d+) distinct states", {}, "G1 to G6"),
        Proof("crashes after a failed fsync", shards(crash / "crash_states_test", "All/AfterAFailedSync.*"),
              "distinct states", r"(\d+) distinct states", {}, "G1 to G6"),
        Proof("random lives", [({"SAFECHUNK_LIVES_SEED": str(1 + i * LIVES_APART)}, [crash / "random_lives_test"])
                               for i in range(CORES)], "lives", r"(\d+) lives",
              {"SAFECHUNK_LIVES_SECONDS": max(1, int(seconds * LIVES_SHARE / CORES))}, "G1 G3 G4 G8"),
        Proof("another program at every call", shards(crash / "other_program_test", "*"), "edits",
              r"(\d+) edits by another program", {}, "G7"),
        Proof("power cuts", shards(tests / "power" / "power_cut_test", "*"), "power cuts",
              r"(\d+) power cuts", {"SAFECHUNK_POWER_CUTS": max(2, math.ceil(28 * depth))}, "G1 to G5"),
        Proof("file systems shut down", shards(tests / "power" / "shutdown_test", "*"), "shutdowns",
              r"(\d+) shutdowns", {"SAFECHUNK_POWER_CUTS": max(2, math.ceil(60 * depth))}, "G1 to G5"),
        Proof("faults at every call", [*shards(crash / "faults_test", "*"), [crash / "operation_faults_test"]],
              "runs", r"(\d+) runs with a fault", {}, "G1 to G8, G13"),
        Proof("failing allocations", shards(process / "allocation_test", "*"), "runs", r"(\d+) runs",
              {"SAFECHUNK_ALLOCATION_STRIDE": 1 if depth == 1 else 5}, "G3 G4 G8"),
        Proof("locks, forks, processes", [[process / "lock_test", "--gtest_filter=-LockStorm.*"]], "tests",
              passed, {}, "G9"),
        Proof("rot", shards(process / "rot_test", "*"), "damages", r"(\d+) damages",
              {"SAFECHUNK_ROT_STRIDE": 1 if depth == 1 else 7}, "G6 G7 G13"),
        Proof("planted files, permissions, edits", [[process / "hostile_folder_test"]], "tests", passed, {},
              "G6 G12 G14"),
        Proof("other file systems", [["/usr/bin/python3", ROOT / "tools" / "other_file_systems.py", "--build",
                                      build]], "tests", r"(\d+) passed, \d+ failed;", {}, "G2 to G14"),
        Proof("full disks", [[process / "full_disk_test"]], "tests", passed, {}, "G2 G7 G8"),
        Proof("models", [["/usr/bin/python3", ROOT / "tools" / "check_models.py"]], "states",
              r"(\d+) +[\d.]+ +(?:holds|violated)", {}, "G1 G4 G9"),
        *(Proof(target.name.replace("_", " ", 1),
                [fuzz_command(target, fuzz_seconds)], "inputs",
                r"stat::number_of_executed_units: (\d+)", {"TMPDIR": "/dev/shm"}, "G6 G12")
          for target in targets),
    ]


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


def run_all(todo, results, minutes, log):
    """Whether it came to its end."""
    jobs, lock, stop = Jobs(), threading.Lock(), threading.Event()
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
        complete = run_all(todo, results, arguments.minutes, log)

    took = time.monotonic() - begin
    rows = [{"proof": proof.name, "promises": proof.promises, "count": results[proof.name].count,
             "of": proof.counted, "failed": results[proof.name].failures,
             "skipped": results[proof.name].skipped,
             "finished": results[proof.name].finished == len(proof.commands),
             "seconds": round(results[proof.name].seconds, 1), "environment": proof.environment} for proof in todo]
    # A proof that counted nothing has proved nothing, unless it said that it cannot run here.
    failed = [row for row in rows if row["failed"] or
              (row["finished"] and row["count"] == 0 and row["skipped"] == 0)]
    arguments.summary.write_text(json.dumps({"minutes": arguments.minutes, "seconds": round(took, 1),
                                             "cores": CORES, "complete": complete, "failed": len(failed),
                                             "proofs": rows}, indent=2))
    print(f"\n{'proof':34}{'count':>12} {'of':18}{'failed':>7}{'skipped':>8}{'seconds':>9}  promises")
    for row in rows:
        mark = "  <-- NOT PROVED" if row in failed else "" if row["finished"] else "  (stopped)"
        print(f"{row['proof']:34}{row['count']:>12,} {row['of']:18}{row['failed']:>7}{row['skipped']:>8}"
              f"{row['seconds']:>9.1f}  {row['promises']}{mark}")
    print(f"\n{took:.0f} s; {arguments.summary} has this table, {arguments.summary.with_suffix('.log')} all output")
    sys.exit(130 if not complete else 1 if failed else 0)


main()
