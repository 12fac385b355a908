#!/usr/bin/python3
"""Counts the instructions of the hot paths by callgrind, and compares them with instructions.txt.

    instructions_test.py PROGRAM instructions.txt

The count of an operation is the difference between many and few of it, so that start-up drops out.
It does not depend on the clock or on the load of the machine. With SAFECHUNK_UPDATE_COSTS=1 the file
is written anew.
"""

import os
import pathlib
import re
import subprocess
import sys

FEW, MANY = 4, 12
TOLERANCE = 0.10


def instructions(program, operation, count):
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, operation,
                           str(count)], capture_output=True, text=True, check=False)
    found = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
    if done.returncode != 0 or not found:
        sys.exit(f"{operation}: {done.stderr[-2000:]}")
    return int(found.group(1))


def main():
    program, path = sys.argv[1], pathlib.Path(sys.argv[2])
    lines = path.read_text(encoding="utf-8").splitlines()
    expected = {name: int(count) for name, count in (line.split() for line in lines if not line.startswith("#"))}
    counted = {name: (instructions(program, name, MANY) - instructions(program, name, FEW)) // (MANY - FEW)
               for name in expected}
    if os.environ.get("SAFECHUNK_UPDATE_COSTS"):
        comments = [line for line in lines if line.startswith("#")]
        path.write_text("\n".join(comments + [f"{name} {count}" for name, count in counted.items()]) + "\n",
                        encoding="utf-8")
        return
    failed = False
    for name, count in counted.items():
        change = count / expected[name] - 1
        ok = abs(change) <= TOLERANCE
        failed = failed or not ok
        print(f"{'ok' if ok else 'CHANGED'} {name}: {count} instructions, {change:+.1%}")
    if failed:
        sys.exit(f"more than {TOLERANCE:.0%} from {path.name}: when this is meant, write it anew "
                 "(SAFECHUNK_UPDATE_COSTS=1) and say why in the commit message")


main()
