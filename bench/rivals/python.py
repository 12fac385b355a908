#!/usr/bin/python3
"""What Python's standard library offers: a JSON file replaced safely, sqlite3, zipfile.

    python.py --method replace|sqlite3|zipfile --work update|checkpoint --folder F --document D
              [--count N] [--warmup N] [--chunks N] [--threads 1]
"""

import argparse
import json
import os
import pathlib
import re
import sqlite3
import time
import zipfile


def replace(folder, _):
    target, temporary = os.path.join(folder, "hot.json"), os.path.join(folder, "hot.tmp")
    descriptor = os.open(folder, os.O_RDONLY)

    def write(value):
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(json.dumps(value, ensure_ascii=False, indent=4))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        os.fsync(descriptor)
    return write


def sqlite(folder, _):
    database = sqlite3.connect(os.path.join(folder, "database"), isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE documents (name TEXT PRIMARY KEY, body TEXT)")

    def write(value):
        text = json.dumps(value, ensure_ascii=False)
        database.execute("INSERT OR REPLACE INTO documents VALUES ('hot', ?)", (text,))
    return write


def zipped(folder, request):
    """An archive of all files at the default level, and an fsync."""
    text = pathlib.Path(request.document).read_text(encoding="utf-8")
    files = []
    for number in range(request.chunks):
        files.append(os.path.join(folder, f"chunk_{number:06}.json"))
        pathlib.Path(files[-1]).write_text(text, encoding="utf-8")
    os.sync()
    archive = os.path.join(folder, "archive.zip")

    def write(_):
        with open(archive, "wb") as output:
            with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as entries:
                for file in files:
                    entries.write(file, os.path.basename(file))
            output.flush()
            os.fsync(output.fileno())
    return write


def written_bytes():
    text = pathlib.Path("/proc/self/io").read_text(encoding="ascii")
    return int(re.search(r"^write_bytes: (\d+)", text, re.MULTILINE).group(1))


def main():
    parser = argparse.ArgumentParser()
    for name in ("method", "work", "folder", "document"):
        parser.add_argument("--" + name, required=True)
    for name, default in (("count", 10), ("warmup", 2), ("chunks", 1), ("threads", 1)):
        parser.add_argument("--" + name, type=int, default=default)
    request = parser.parse_args()
    value = json.loads(pathlib.Path(request.document).read_text(encoding="utf-8"))
    methods = {"replace": replace, "sqlite3": sqlite, "zipfile": zipped}
    write = methods[request.method](request.folder, request)

    def operation():
        value["revision"] += 1
        write(value)

    for _ in range(request.warmup):
        operation()
    times = []
    before = written_bytes()
    for _ in range(request.count):
        start = time.perf_counter_ns()
        operation()
        times.append(time.perf_counter_ns() - start)
    answer = {"count": request.count, "mean_ns": sum(times) / len(times),
              "median_ns": sorted(times)[len(times) // 2], "max_ns": max(times),
              "written_bytes": (written_bytes() - before) / request.count}
    if request.method == "zipfile":
        answer["archive_bytes"] = os.path.getsize(os.path.join(request.folder, "archive.zip"))
    print(json.dumps(answer))


main()
