#!/usr/bin/env python3
"""Runs the tests that use real files on exfat and on ntfs with Windows' rules for names.

usage: tools/other_file_systems.py [--build FOLDER] [--only exfat|ntfs] [--json FILE]

Makes an image file, mounts it over FUSE from a loop device, and sets TMPDIR to it. Needs root and the Debian
packages exfat-fuse, exfatprogs and ntfs-3g; says why and exits with 77 where nobody may mount. Exit status 1
when a test fails, when a program was not built, or when a file system could not be made or mounted.
"""

import argparse
import json
import os
import pathlib
import re
import signal
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
    "tests/process/kill_test", "tests/process/lock_test", "tests/other_program/hostile_folder_test",
    "tests/engine/engine_test", "tests/engine/engine_core_test",
    "tests/unit/platform/platform_test", "tests/cli/cli_test",
]


class Failed(Exception):
    """What must succeed did not."""


def run(command):
    """The output of a command that must succeed."""
    try:
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              timeout=TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(str(error)) from error
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: {done.stdout.strip()}")
    return done.stdout.strip()


def why_forbidden():
    """Why nothing can be mounted here; empty when something can: then each file system must be."""
    if os.geteuid() != 0:
        return "mounting needs root"
    for path in ("/dev/fuse", "/dev/loop-control"):
        if not os.access(path, os.R_OK | os.W_OK):
            return f"there is no {path}"
    with tempfile.TemporaryDirectory(prefix="safechunk-probe-") as folder:
        try:
            run(["mount", "-t", "tmpfs", "none", folder])
        except Failed as reason:
            return str(reason)
        run(["umount", folder])
    return ""


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
        """Says what could not be undone; the results stay what they are."""
        for commands in ([["umount", self.point], ["umount", "--lazy", self.point]],
                         [["losetup", "--detach", self.device]]):
            for command in commands:
                try:
                    run(command)
                    break
                except Failed as reason:
                    print(f"  {reason}", flush=True)


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
    if not failed and (done.returncode != 0 or passed + skipped == 0):
        failed = [f"(exit status {done.returncode}, {passed + skipped} tests)"]
    return passed, skipped, failed, done.stdout


def result_of(name, test, passed=0, skipped=0, failed=(), lacks=()):
    print(f"  {test:40} {passed:4} passed {skipped:4} skipped {len(failed):4} failed", flush=True)
    for one in failed:
        print(f"      FAILED {one}")
    return {"file_system": name, "lacks": list(lacks), "test": test, "passed": passed, "skipped": skipped,
            "failed": list(failed)}


def check(name, make, mount, build, logs, results):
    """Adds to the results those of all programs on one file system."""
    with tempfile.TemporaryDirectory(prefix=f"safechunk-{name}-", ignore_cleanup_errors=True) as scratch, \
            Mounted(pathlib.Path(scratch), make, mount) as point:
        lacks = probe(point)
        print(f"{name}: without {', '.join(lacks) or 'nothing that is needed'}", flush=True)
        for test in TESTS:
            program = build / test
            if not program.exists():
                results.append(result_of(name, test, failed=["(not built)"], lacks=lacks))
                continue
            passed, skipped, failed, output = run_test(program, point)
            (logs / f"{name}-{program.name}.log").write_text(output, encoding="utf-8")
            results.append(result_of(name, test, passed, skipped, failed, lacks))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--only", choices=[name for name, *_ in FILE_SYSTEMS])
    parser.add_argument("--json", type=pathlib.Path, help="write the results here")
    arguments = parser.parse_args()
    if reason := why_forbidden():
        print(f"skipped: {reason}")
        return SKIPPED
    build = arguments.build.resolve()
    logs = build / "other-file-systems"
    logs.mkdir(parents=True, exist_ok=True)
    results = []
    for name, make, mount in FILE_SYSTEMS:
        if arguments.only not in (None, name):
            continue
        try:
            check(name, make, mount, build, logs, results)
        except Failed as reason:
            results.append(result_of(name, "(made and mounted)", failed=[str(reason)]))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    failed = sum(len(result["failed"]) for result in results)
    print(f"{sum(result['passed'] for result in results)} passed, {failed} failed, "
          f"{sum(result['skipped'] for result in results)} skipped; the output is in {logs}")
    return 1 if failed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing must stay mounted
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # everything is unmounted by now
        sys.exit(130)
