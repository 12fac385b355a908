#!/usr/bin/env python3
"""Checks the models in docs/models with spin: the true ones must hold, each mutation must violate.

usage: tools/check_models.py [--only WORD] [--json FILE]

Needs spin and gcc (Debian packages of these names). Prints a table. Exit status 1 when a model violates an
assertion, when a mutation does not, or when a search is not complete.
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

MODELS = pathlib.Path(__file__).resolve().parent.parent / "docs" / "models"
TIMEOUT_S = 600
MEMORY_MB = 4000
DEPTH = 2_000_000

# model, definitions, must it hold?
CHECKS = [
    ("lock", [], True),
    ("lock", ["CONTENDERS=3", "NO_ORIGINAL"], True),
    ("lock", ["NO_KERNEL_LOCK"], False),
    ("lock", ["NO_SAME_FILE_CHECK"], False),
    ("lock", ["CHECK_BEFORE_DECISION"], False),
    ("lock", ["IGNORE_TEXT"], False),
    ("lock", ["NO_CHECK_IN_REMOVE_STALE"], False),
    ("lock", ["UNLINK_AFTER_CLOSE"], False),
    ("commit", [], True),
    ("commit", ["WITHOUT_STAMPS"], True),
    ("commit", ["NO_FSYNC_TEMP"], False),
    ("commit", ["NO_SYNC_JOURNAL"], False),
    ("commit", ["NO_SYNC_ACKNOWLEDGED"], False),
    ("commit", ["NO_SYNC_FOLDER"], False),
    ("commit", ["EMPTY_JOURNAL_EARLY"], False),
    ("commit", ["NO_DURABLE_RESET"], False),
    ("commit", ["NO_NEW_TOKEN"], False),
    ("commit", ["NO_SYNC_NEW_JOURNAL"], False),
    ("commit", ["NO_SYNC_DEAD_JOURNAL"], False),
    ("commit", ["NO_SYNC_DEAD_FOLDERS"], False),
    ("commit", ["REPLAY_BLINDLY"], False),
    ("commit", ["FORGET_GROUP"], False),
    ("shared", [], True),
    ("shared", ["NO_UNPLUGGING", "NO_STAMPS"], True),
    ("shared", ["NO_LOCK"], False),
    ("shared", ["IDLE_AT_ONCE"], False),
    ("shared", ["NO_COMMIT"], False),
    ("shared", ["NO_STAMPS"], False),
    ("shared", ["NO_UNPLUGGING", "NO_STAMPS", "IGNORE_BOOT"], False),
    ("shared", ["NO_UNPLUGGING", "NO_STAMPS", "OLD_TOKEN"], False),
    ("shared", ["NO_UNPLUGGING", "NO_STAMPS", "SEQUENCE_NOT_LEFT"], False),
    ("parts", [], True),
    ("parts", ["BOTH_PARTS"], True),
    ("parts", ["REFUSALS", "ENDS=1"], True),
    ("parts", ["NO_BASE_CHECK"], False),
    ("parts", ["NO_RESULT_CHECK"], False),
    ("parts", ["PART_UPON_UNSEEN"], False),
    ("parts", ["REFUSALS", "PART_UPON_MEMORY"], False),
    ("parts", ["REWRITE_AS_PART"], False),
    ("parts", ["BASE_IS_VISIBLE"], False),
    ("parts", ["OVERTAKEN_IS_DURABLE"], False),
    ("parts", ["ONLY_THE_LAST"], False),
    ("parts", ["APPLY_AGAIN"], False),
    ("parts", ["IGNORE_STAMP"], False),
    ("parts", ["CONFLICT_DROPS_EDIT"], False),
    ("parts", ["CONFLICT_DROPS_FILE"], False),
    ("parts", ["CUT_EARLY"], False),
    ("parts", ["CUT_BETWEEN"], False),
    ("parts", ["NO_SYNC_JOURNAL"], False),
    ("parts", ["NO_SYNC_FOLDER"], False),
    ("chunk", [], True),
    ("chunk", ["WITHOUT_STAMPS"], True),
    ("chunk", ["FAULTS"], True),
    ("chunk", ["REMOVE_FILE_FIRST"], False),
    ("chunk", ["RENAME_FILE_FIRST"], False),
    ("chunk", ["NO_SYNC_JOURNAL"], False),
    ("chunk", ["NO_SYNC_BACKUPS"], False),
    ("chunk", ["NO_SYNC_CHUNKS"], False),
    ("chunk", ["NO_SYNC_HEALED"], False),
    ("chunk", ["NO_DURABLE_RESET"], False),
    ("chunk", ["FORGET_REPLACED_REMOVAL"], False),
    ("chunk", ["BACKUP_NOT_SYNCED"], False),
    ("chunk", ["TRUST_SHARED_BACKUP"], False),
    ("chunk", ["FOUND_IS_DURABLE"], False),
    ("chunk", ["FAULTS", "PUBLISHED_IS_DURABLE"], False),
    ("chunk", ["NO_LAST_LOOK"], False),
    ("chunk", ["NO_KEEP_UNSEEN"], False),
    ("chunk", ["BASE_IS_VISIBLE"], False),
    ("chunk", ["STAND_UPON_STAGED"], False),
    ("chunk", ["STAND_UPON_OVERTAKING"], False),
    ("chunk", ["TRUST_ABSENCE"], False),
    ("chunk", ["NO_SYNC_DEAD_FOLDERS"], False),
    ("chunk", ["REPLAY_BLINDLY"], False),
    ("chunk", ["IGNORE_BACKUP"], False),
    ("chunk", ["EQUAL_IS_DURABLE"], False),
]


def run(command, folder):
    """The output of a command that must succeed."""
    done = subprocess.run(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}")
    return done.stdout


def switches_exist(model, definitions):
    """A switch that the model does not know would pass for a mutation that nothing notices."""
    text = (MODELS / f"{model}.pml").read_text(encoding="utf-8")
    for definition in definitions:
        name = definition.split("=")[0]
        if not re.search(rf"(#ifn?def|defined\()\s*{name}\b", text):
            raise RuntimeError(f"{model}.pml does not know {name}")


def search(model, definitions):
    """(states, errors, complete) of a full search."""
    switches_exist(model, definitions)
    with tempfile.TemporaryDirectory(prefix="models-") as folder:
        shutil.copy(MODELS / f"{model}.pml", folder)
        run(["spin", "-a", *[f"-D{d}" for d in definitions], f"{model}.pml"], folder)
        run(["gcc", "-O1", "-w", "-DSAFETY", "-DCOLLAPSE", f"-DMEMLIM={MEMORY_MB}", "-o", "pan", "pan.c"],
            folder)
        output = run(["./pan", f"-m{DEPTH}", "-w24"], folder)
    errors = re.search(r"errors: (\d+)", output)
    states = re.search(r"(\d+) states, stored", output)
    if not errors or not states:
        raise RuntimeError(f"{model} {definitions}: pan said\n{output}")
    complete = "Search not completed" not in output and "max search depth too small" not in output
    return int(states[1]), int(errors[1]), complete


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--only", default="", help="only the checks whose name contains this")
    parser.add_argument("--json", type=pathlib.Path, help="write the results here")
    arguments = parser.parse_args()
    for tool in ("spin", "gcc"):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} was not found: apt-get install {tool}")
    results = []
    failed = 0
    print(f"{'model':42} {'states':>10} {'seconds':>8}  result")
    for model, definitions, holds in CHECKS:
        name = " ".join([model, *definitions])
        if arguments.only not in name:
            continue
        start = time.monotonic()
        states, errors, complete = search(model, definitions)
        right = errors == 0 and complete if holds else errors > 0
        failed += not right
        verdict = "holds" if errors == 0 and complete else "violated" if errors else "not searched to its end"
        print(f"{name:42} {states:10} {time.monotonic() - start:8.1f}  {verdict}{'' if right else '  WRONG'}",
              flush=True)
        results.append({"name": name, "states": states, "errors": errors,
                        "expected": "holds" if holds else "violated"})
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    if not results:
        sys.exit(f"no check is named like '{arguments.only}'")
    print(f"{len(results)} checked, {failed} wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
