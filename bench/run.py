#!/usr/bin/python3
"""Runs the contestants in turns and prints what they measured, with the targets.

    run.py --programs BUILD/bench --folder WORK_FOLDER [--node-modules DIR] [--python PROGRAM]
           [--results DIR]
           [--quick | --smoke] [--rounds N] [--only TEXT] [--fs ext4,xfs,btrfs]

Every round runs all contestants of a work one after the other, each as a process of its own that
times its operations itself. A ratio is taken within a round, where the machine was the same for
both sides; what is printed is the median of the rounds, with minimum and maximum. Within a round the
median operation counts; means and maxima, which tell as much about the machine, are in the results.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

import machine as machines
import works as all_works
from contestants import CONTESTANTS, Programs

HERE = pathlib.Path(__file__).resolve().parent
SYNCS = "fsync,fdatasync,msync,syncfs,sync_file_range"
NOTICE_LIMIT, LOG_LIMIT = 20e6, 3e3  # nanoseconds
MEMORY_ALLOWANCE = 8_000_000
DESCRIPTORS_EACH, THREADS, BYTES_EACH = 4, 4, 50_000  # of the engines of one process


class Bench:
    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.folder = folder / f"running-{os.getpid()}"
        self.documents = pathlib.Path(arguments.folder) / "documents"
        self.programs = Programs(arguments.programs, arguments.node_modules, arguments.python)
        self.left_out = set()

    # --- running one contestant

    def document(self, work, name):
        base = f"users_{work.size}" if work.size else "table"
        # A floor that writes the files which the engine writes, writes the bytes that it writes.
        indented = name in ("floor file", "floor files", "floor files, 8 threads", "floor read", "floor parse", "floor copy",
                            "Python zipfile")
        return self.documents / (base + (".indented.json" if indented else ".json"))

    def command(self, work, name, folder, count):
        return self.programs.command(name) + [
            "--work", work.work, "--folder", str(folder), "--document", str(self.document(work, name)),
            "--count", str(count), "--warmup", str(work.warmup), "--threads", str(work.threads),
            "--chunks", str(work.chunks)]

    def run(self, work, name, count, prefix=()):
        folder = self.folder / "run"
        if work.prepared:  # the floors work in the folders of the engine's project
            folder = self.folder / "prepared" / ("project" if name.startswith("floor") else "")
        else:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        done = subprocess.run([*prefix, *self.command(work, name, folder, count)], capture_output=True,
                              text=True, check=False)
        if not work.prepared:
            shutil.rmtree(folder)
        if done.returncode != 0:
            sys.exit(f"\n{name}: {work.title}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def prepare(self, work):
        folder = self.folder / "prepared"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "project").mkdir(parents=True)
        subprocess.run([str(self.programs.build / "bench_floor"), "--method", "plain", "--work", "prepare",
                        "--folder", str(folder / "project"), "--document",
                        str(self.documents / f"users_{work.size}.indented.json"),
                        "--chunks", str(work.chunks)], check=True, stdout=subprocess.DEVNULL)

    def syncs_per_operation(self, work, name):
        """By strace: how many calls more for so many operations more."""
        few, many = 2, 6
        counts = []
        for count in (few, many):
            log = self.folder / "strace.log"
            self.run(work, name, count, ["strace", "-f", "-qq", "-e", f"trace={SYNCS}", "-o", str(log)])
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            counts.append(sum(1 for line in lines if re.search(r"\b(fsync|fdatasync|msync|syncfs)\(", line)))
        return (counts[1] - counts[0]) / (many - few)

    # --- running a work

    def do(self, work, rounds):
        names = []
        for name in work.contestants:
            if self.programs.command(name) is None:
                self.left_out.add(name)
            else:
                names.append(name)
        if work.prepared:
            self.prepare(work)
        answers = {name: [] for name in names}
        for turn in range(rounds):
            for name in names:
                print(f"\r\033[K{work.title}: round {turn + 1} of {rounds}, {name}", end="", flush=True)
                answers[name].append(self.run(work, name, work.count))
        syncs = {}
        if work.syncs and shutil.which("strace"):
            for name in names:
                print(f"\r\033[K{work.title}: counting fsyncs, {name}", end="", flush=True)
                syncs[name] = self.syncs_per_operation(work, name)
        print("\r\033[K", end="")
        shutil.rmtree(self.folder, ignore_errors=True)
        if work.work == "memory":
            answers["limit"] = [{"peak_bytes": answer["staged_bytes"] + 3 * answer["chunk_bytes"] + MEMORY_ALLOWANCE}
                                for answer in answers["engine"]]
        if work.work == "engines":
            answers["limit"] = [{"descriptors": DESCRIPTORS_EACH * work.count, "threads": THREADS,
                                 "resident_bytes": BYTES_EACH * work.count} for _ in answers["engine"]]
        if work.work == "notice":
            answers["limit"] = [{"p99_ns": NOTICE_LIMIT} for _ in answers["engine"]]
        if work.work == "log_stage":
            answers["limit"] = [{"median_ns": LOG_LIMIT} for _ in answers["engine"]]
        return {"name": work.name, "title": work.title, "work": work.work, "size": work.size,
                "chunks": work.chunks, "rounds": answers, "syncs": syncs,
                "targets": [judged for judged in (judge(target, answers) for target in work.targets) if judged]}


def value_of(answer, what="time"):
    """The time is that of the median operation; for threads, which have none, that of all together."""
    return answer.get("median_ns", answer.get("mean_ns")) if what == "time" else answer[what]


def judge(target, answers):
    if target.ours not in answers or target.other not in answers:
        return None
    ratios = [value_of(ours, target.value) / value_of(other, target.value)
              for ours, other in zip(answers[target.ours], answers[target.other])]
    median = statistics.median(ratios)
    return {"label": target.label, "ours": target.ours, "other": target.other, "limit": target.limit,
            "median": median, "min": min(ratios), "max": max(ratios), "met": median <= target.limit}


# --- printing

def in_time(nanoseconds):
    for unit, factor in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= factor:
            return f"{nanoseconds / factor:.3g} {unit}"
    return f"{nanoseconds:.0f} ns"


def in_bytes(count):
    for unit, factor in (("MB", 1e6), ("KB", 1e3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count:.0f} B"


def show(result):
    print(f"\n{result['title']}")
    for name, answers in result["rounds"].items():
        values = [value_of(answer) for answer in answers]
        if None in values:
            if "peak_bytes" in answers[0]:
                peak = statistics.median(answer["peak_bytes"] for answer in answers)
                print(f"  {name:24} {in_bytes(peak):>9}")
            if "descriptors" in answers[0]:
                last = answers[-1]
                print(f"  {name:24} {last['descriptors']:.0f} descriptors, {last['threads']:.0f} threads, "
                      f"{in_bytes(last['resident_bytes'])}")
            continue
        line = (f"  {name:24} {in_time(statistics.median(values)):>9}  "
                f"({in_time(min(values))} to {in_time(max(values))})")
        details = []
        if name in result["syncs"]:
            details.append(f"{result['syncs'][name]:.3g} fsyncs")
        if result["work"] in ("update", "batch", "threads"):
            written = statistics.median(answer["written_bytes"] for answer in answers)
            details.append(f"{in_bytes(written)} written")
        if "archive_bytes" in answers[0]:
            details.append(f"archive of {in_bytes(answers[0]['archive_bytes'])}")
        if result["work"] == "update":
            details.append(CONTESTANTS[name][2])
        print(f"{line:64}{'; '.join(details)}")
    for target in result["targets"]:
        mark = "ok    " if target["met"] else "MISSED"
        print(f"  {mark} {target['label']}: {target['ours']} / {target['other']} = {target['median']:.2f} "
              f"({target['min']:.2f} to {target['max']:.2f}), target <= {target['limit']:g}")


def summary(results):
    targets = [target for result in results for target in result["targets"]]
    missed = [(result, target) for result in results for target in result["targets"] if not target["met"]]
    print(f"\n{len(targets) - len(missed)} of {len(targets)} targets met")
    for result, target in missed:
        print(f"  missed {target['label']}, {result['title']}: {target['ours']} / {target['other']} = "
              f"{target['median']:.2f}, target <= {target['limit']:g}")


# --- the whole

def chosen(arguments):
    if arguments.smoke:
        works, rounds = all_works.smoke(), 1
    elif arguments.quick:
        works, rounds = all_works.quick(), 5
    else:
        works, rounds = all_works.full(), 5
    return [work for work in works if arguments.only in work.name], arguments.rounds or rounds


def save(folder, label, data):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{label}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def run_on(arguments, folder, label):
    works, rounds = chosen(arguments)
    machine = machines.describe(folder)
    print(f"\n=== {machines.in_words(machine)}; {rounds} rounds")
    bench = Bench(arguments, folder)
    sizes = sorted({str(work.size) for work in works if work.size}, key=int)
    subprocess.run(["/usr/bin/python3", str(HERE / "documents.py"), str(bench.documents), *sizes], check=True)
    results = []
    for work in works:
        results.append(bench.do(work, rounds))
        show(results[-1])
        if arguments.results:
            save(pathlib.Path(arguments.results), label, {"machine": machine, "rounds": rounds, "results": results})
    if bench.left_out:
        print("\nnot here, left out: " + ", ".join(sorted(bench.left_out)))
    summary(results)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--node-modules")
    parser.add_argument("--python")
    parser.add_argument("--results")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", default="")
    parser.add_argument("--fs", default="")
    arguments = parser.parse_args()
    folder = pathlib.Path(arguments.folder)
    folder.mkdir(parents=True, exist_ok=True)
    kinds = [kind for kind in arguments.fs.split(",") if kind]
    for kind in kinds:
        if kind not in machines.MAKE:
            sys.exit(f"unknown file system '{kind}'; known are {', '.join(machines.MAKE)}")
    if not kinds:
        run_on(arguments, folder, "here")
    for kind in kinds:
        try:
            with machines.loop_file_system(kind, folder) as mounted:
                run_on(arguments, mounted, kind)
        except (PermissionError, FileNotFoundError) as error:
            sys.exit(f"cannot measure on {kind}: {error}")


if __name__ == "__main__":
    main()
