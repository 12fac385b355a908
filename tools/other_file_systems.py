#!/usr/bin/env python3
"""Runs the tests that use real files on exfat and on ntfs with Windows' rules for names.

usage: tools/other_file_systems.py [--build FOLDER] [--only exfat|ntfs] [--json FILE]

Makes an image file, mounts it over FUSE from a loop device, and sets TMPDIR to it. Needs root and the Debian
packages exfat-fuse, exfatprogs and ntfs-3g; says why and exits with 77 where mounts are forbidden. Exit status
1 when a test fails.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
IMAGE_BYTES = 512 << 20
TIMEOUT_S = 900
SKIPPED = 77

# name, how to make it, how to mount a device
FILE_SYSTEMS = [
    ("exfat", ["mkfs.exfat"], ["mount.exfat-fuse"]),
    ("ntfs", ["mkfs.ntfs", "-F", "-Q"], ["lowntfs-3g", "-o", "ignore_case,windows_names"]),
]
TESTS = [
    "tests/process/kill_test", "tests/process/lock_test", "tests/process/hostile_folder_test",
    "tests/unit/engine/engine_test", "tests/unit/engine/engine_core_test",
    "tests/unit/platform/platform_test", "tests/cli/cli_test",
]


class Forbidden(Exception):
    """The machine does not let us."""


def run(command):
    """The output of a command that must succeed."""
    try:
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              timeout=TIMEOUT_S)
    except FileNotFoundError as error:
        raise Forbidden(f"{command[0]} was not found") from error
    if done.returncode != 0:
        raise Forbidden(f"{' '.join(map(str, command))}: {done.stdout.strip()}")
    return done.stdout.strip()


class Mounted:
    """An image of a file system, mounted as long as the context lasts."""

    def __init__(self, folder, make, mount):
        self.image = folder / "image"
        self.point = folder / "mount"
        self.make, self.mount = make, mount
        self.device = None

    def __enter__(self):
        with self.image.open("wb") as image:
            image.truncate(IMAGE_BYTES)
        self.point.mkdir()
        run([*self.make, self.image])
        self.device = run(["losetup", "--find", "--show", self.image])
        try:
            run([*self.mount, self.device, self.point])
        except BaseException:  # also Ctrl-C, which __exit__ would not see
            run(["losetup", "--detach", self.device])
            raise
        return self.point

    def __exit__(self, *_):
        run(["umount", self.point])
        run(["losetup", "--detach", self.device])


def probe(folder):
    """What the file system lacks, by trying it."""
    lacks = []
    file = folder / "probe"
    file.write_bytes(b"x")
    attempts = {
        "hard links": lambda: os.link(file, folder / "probe-link"),
        "symbolic links": lambda: os.symlink("probe", folder / "probe-symlink"),
        "extended attributes": lambda: os.setxattr(file, "user.probe", b"1"),
        "FIFOs": lambda: os.mkfifo(folder / "probe-fifo"),
    }
    for what, attempt in attempts.items():
        try:
            attempt()
        except OSError:
            lacks.append(what)
    try:
        file.chmod(0o600)
        if file.stat().st_mode & 0o777 != 0o600:
            lacks.append("modes")
    except OSError:
        lacks.append("modes")
    for left in folder.glob("probe*"):
        left.unlink()
    return lacks


def run_test(program, folder):
    """(passed, skipped, failed names, output) of one test program with its temporary files in `folder`."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    try:
        done = subprocess.run([program], env=environment, text=True, errors="replace", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return 0, 0, [f"(no end after {TIMEOUT_S} s)"], ""
    failed = sorted(set(re.findall(r"^\[  FAILED  \] ([\w/]+\.[\w/]+)", done.stdout, re.MULTILINE)))
    skipped = len(set(re.findall(r"^\[  SKIPPED \] ([\w/]+\.[\w/]+)", done.stdout, re.MULTILINE)))
    passed = len(re.findall(r"^\[       OK \]", done.stdout, re.MULTILINE))
    if done.returncode != 0 and not failed:
        failed = [f"(exit status {done.returncode})"]
    return passed, skipped, failed, done.stdout


def check(name, make, mount, build, logs):
    """The results of all programs on one file system."""
    results = []
    with tempfile.TemporaryDirectory(prefix=f"safechunk-{name}-") as scratch, \
            Mounted(pathlib.Path(scratch), make, mount) as point:
        lacks = probe(point)
        print(f"{name}: without {', '.join(lacks) or 'nothing that is needed'}", flush=True)
        for test in TESTS:
            program = build / test
            if not program.exists():
                print(f"  {test:40} not built")
                continue
            passed, skipped, failed, output = run_test(program, point)
            (logs / f"{name}-{program.name}.log").write_text(output, encoding="utf-8")
            print(f"  {test:40} {passed:4} passed {skipped:4} skipped {len(failed):4} failed", flush=True)
            for one in failed:
                print(f"      FAILED {one}")
            results.append({"file_system": name, "lacks": lacks, "test": program.name, "passed": passed,
                            "skipped": skipped, "failed": failed})
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--only", choices=[name for name, *_ in FILE_SYSTEMS])
    parser.add_argument("--json", type=pathlib.Path, help="write the results here")
    arguments = parser.parse_args()
    if os.geteuid() != 0 or shutil.which("losetup") is None:
        print("skipped: mounting needs root and losetup")
        return SKIPPED
    build = arguments.build.resolve()
    logs = build / "other-file-systems"
    logs.mkdir(parents=True, exist_ok=True)
    results = []
    for name, make, mount in FILE_SYSTEMS:
        if arguments.only not in (None, name):
            continue
        try:
            results += check(name, make, mount, build, logs)
        except Forbidden as reason:
            print(f"{name}: skipped: {reason}")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    if not results:
        return SKIPPED
    failed = sum(len(result["failed"]) for result in results)
    print(f"{sum(result['passed'] for result in results)} passed, {failed} failed; the output is in {logs}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # everything is unmounted by now
        sys.exit(130)
