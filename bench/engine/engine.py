"""The engine from Python, and what Python offers for the same steps in memory.

    engine.py --method engine|deepcopy|json --work update|stage|fetch --folder F --document D
              [--count N] [--warmup N] [--chunks 1] [--threads 1]
"""

import argparse
import copy
import json
import pathlib
import re
import time

from safe_chunk_engine import SafeChunkEngine

NEVER = 3600.0  # only force_sync commits


def engine_operation(request, value):
    engine = SafeChunkEngine("project", NEVER, request.folder, max_delay=NEVER, strict=True)
    if request.work == "fetch":
        engine.stage_update(value, "hot")
        engine.force_sync()
        return engine, lambda: engine.fetch_chunk("hot")

    def operation():
        value["revision"] += 1
        engine.stage_update(value, "hot")
        if request.work == "update":
            engine.force_sync()
    return engine, operation


def floor_operation(request, value):
    if request.method == "deepcopy":
        return lambda: copy.deepcopy(value)
    if request.work == "fetch":
        text = json.dumps(value, ensure_ascii=False, indent=4)  # as it stands in the file
        return lambda: json.loads(text)
    return lambda: json.dumps(value)


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
    engine = None
    if request.method == "engine":
        engine, operation = engine_operation(request, value)
    else:
        operation = floor_operation(request, value)
    for _ in range(request.warmup):
        operation()
    times = []
    before = written_bytes()
    for _ in range(request.count):
        start = time.perf_counter_ns()
        operation()
        times.append(time.perf_counter_ns() - start)
    written = (written_bytes() - before) / request.count
    if engine is not None:
        engine.detach()
    print(json.dumps({"count": request.count, "mean_ns": sum(times) / len(times),
                      "median_ns": sorted(times)[len(times) // 2], "max_ns": max(times),
                      "written_bytes": written}))


main()
