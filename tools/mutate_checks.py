#!/usr/bin/env python3
"""Drops every check and every fsync, rename, link and unlink of src/storage, one at a time, and checks
that a test notices.

usage: tools/mutate_checks.py [--only FILE] [--table docs/MUTANTS.md]

All mutants are built into one set of programs, and the environment chooses one: so hundreds of them
take minutes. What is used although there is none ends the program (_GLIBCXX_ASSERTIONS). Works on a
copy of the sources in build/mutants/checks. (tools/mutate.py has mutants that swap or replace
something.) Exit status 1 when a mutant survives.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
COPY = ROOT / "build" / "mutants" / "checks"
BUILD = ROOT / "build" / "mutants" / "checks-build"
TESTS = ["storage_test", "engine_core_test", "engine_test", "golden_test", "operation_faults_test", "faults_test",
         "recovery_crash_test", "hostile_folder_test", "crash_states_test", "other_program_test", "random_lives_test",
         "first_crash_test", "file_edit_test"]
SHALLOW = {"SAFECHUNK_CRASH_SEEDS": "2", "SAFECHUNK_CRASH_STRIDE": "400", "SAFECHUNK_FAULT_STRIDE": "7"}
PATIENCE = 300  # seconds; when they are over, it hangs

CHOOSER = """#pragma once
#include <cstdlib>
inline bool is_mutant(int number) {
  static const char* chosen = std::getenv("SAFECHUNK_MUTANT");
  static const int active = chosen == nullptr ? 0 : std::atoi(chosen);
  return active == number;
}
"""

CHECKED_STATUS = re.compile(r"if \(Status (?P<name>\w+) = (?P<call>[^;]*); (?P<check>!(?P=name))\)")
CHECKED_NAME = re.compile(r"if \((?P<check>!\w+)(?= &&|\))")
CALL = re.compile(r"(?<![\w>.])(?:\*?\w+(?:\(\))?(?:->|\.))+(?:sync|sync_data|rename|link|unlink)\(")

class Mutants:
    """Rewrites sources so that each place can be switched off by its number."""

    def __init__(self):
        self.places = []  # (file, line number, what is dropped, the line)

    def number(self, file, text, position, what):
        line = text.count("\n", 0, position)
        self.places.append((file, line + 1, what, text.split("\n")[line].strip()))
        return len(self.places)

    def rewrite(self, file, text):
        edits = []  # (from, to, replacement), which never overlap but may be nested in a call

        def insert(position, what):
            edits.append((position, what))

        for pattern in (CHECKED_STATUS, CHECKED_NAME):
            for found in pattern.finditer(text):
                number = self.number(file, text, found.start(), "check")
                insert(found.start("check"), f"!is_mutant({number}) && ")
        for found in CALL.finditer(text):
            number = self.number(file, text, found.start(), "call")
            insert(found.start(), f"(is_mutant({number}) ? Status() : ")
            insert(self.end_of_call(text, found.end()), ")")
        for position, inserted in sorted(edits, key=lambda edit: edit[0], reverse=True):
            text = text[:position] + inserted + text[position:]
        return text

    @staticmethod
    def end_of_call(text, position):
        depth = 1
        while depth > 0:
            depth += {"(": 1, ")": -1}.get(text[position], 0)
            position += 1
        return position


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", **options)


def killer(number):
    """The first test that fails, or None."""
    for test in TESTS:
        program = next(path for path in BUILD.rglob(test) if path.is_file())
        try:
            result = run([str(program), "--gtest_fail_fast"], timeout=PATIENCE,
                         env=os.environ | SHALLOW | {"SAFECHUNK_MUTANT": str(number)})
        except subprocess.TimeoutExpired:
            return f"{test}, which hangs"
        if result.returncode != 0:
            failed = re.findall(r"^\[  FAILED  \] ([^ ,(]+)", result.stdout, re.M)
            # A program that ended by a signal was in the last test that began.
            begun = re.findall(r"^\[ RUN      \] (\S+)", result.stdout, re.M)
            return (failed[:1] or begun[-1:] or [test])[0]
    return None


def table_of(results):
    lines = ["# Mutants of the checks", "",
             "`tools/mutate_checks.py --table build/MUTANTS.md` wrote this list: what of src/storage was dropped, and the",
             "first test that failed. A dropped check goes on as if the call before it had succeeded; a dropped call",
             "reports success without having done anything.", ""]
    for file in sorted({result["file"] for result in results}):
        lines += [f"## {file}", "", "| dropped | where | killed by |", "|---|---|---|"]
        for result in results:
            if result["file"] != file:
                continue
            killer = re.sub(r"^(\w+/\w+\.\w+)/.*", r"\1/*", result["killed_by"] or "nothing")
            code = result["text"].replace("|", "\\|")
            lines.append(f"| {result['dropped']} | `` {code} `` | `{killer}` |")
        lines.append("")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", default="", help="only mutants of files whose name holds this")
    parser.add_argument("--table", help="write the list for docs to this file")
    arguments = parser.parse_args()
    shutil.rmtree(COPY, ignore_errors=True)
    shutil.copytree(ROOT, COPY, ignore=shutil.ignore_patterns("build", ".git", ".venv"))
    mutants = Mutants()
    for path in sorted((COPY / "src" / "storage").rglob("*.cc")):
        path.write_text(mutants.rewrite(path.relative_to(COPY).as_posix(), path.read_text()))
    chooser = COPY / "is_mutant.h"
    chooser.write_text(CHOOSER)
    for command in (["cmake", "-S", str(COPY), "-B", str(BUILD), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
                     f"-DCMAKE_CXX_FLAGS=-include {chooser} -D_GLIBCXX_ASSERTIONS"],
                    ["cmake", "--build", str(BUILD), "--target", *TESTS]):
        done = run(command)
        if done.returncode != 0:
            sys.exit(f"{done.stdout[-4000:]}\nthe mutants do not build")
    if (found := killer(0)) is not None:
        sys.exit(f"the unchanged sources fail: {found}")
    chosen = [(i + 1, *place) for i, place in enumerate(mutants.places) if arguments.only in place[0]]
    lock, results = threading.Lock(), []

    def judge(place):
        number, file, line, what, text = place
        found = killer(number)
        with lock:
            results.append({"number": number, "file": file, "line": line, "dropped": what, "text": text,
                            "killed_by": found})
            if found is None:
                print(f"SURVIVED {file}:{line} {what}: {text}", flush=True)
            if len(results) % 25 == 0:
                print(f"{len(results)} of {len(chosen)}", flush=True)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(judge, chosen))
    results.sort(key=lambda result: result["number"])
    survivors = [result for result in results if result["killed_by"] is None]
    print(f"{len(results) - len(survivors)} of {len(results)} mutants killed")
    if arguments.table:
        pathlib.Path(arguments.table).write_text(table_of(results))
    sys.exit(1 if survivors else 0)


main()
