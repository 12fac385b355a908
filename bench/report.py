#!/usr/bin/python3
"""Writes what run.py measured as a page: report.py RESULTS_FOLDER makes NAME.md of each NAME.json."""

import json
import pathlib
import statistics
import sys

from contestants import CONTESTANTS
from machine import in_words
from run import in_bytes, in_time, value_of


def contestants(result):
    lines = ["| | time | fsyncs | written | what it does |", "|---|---|---|---|---|"]
    for name, answers in result["rounds"].items():
        if value_of(answers[0]) is None:
            if "descriptors" in answers[0]:
                last = answers[-1]
                lines.append(f"| {name} | {last['descriptors']:.0f} descriptors, {last['threads']:.0f} threads, "
                             f"{in_bytes(last['resident_bytes'])} of memory | | | |")
            if "peak_bytes" not in answers[0]:
                continue
            peak = statistics.median(answer["peak_bytes"] for answer in answers)
            lines.append(f"| {name} | {in_bytes(peak)} of memory | | | |")
            continue
        times = [value_of(answer) for answer in answers]
        syncs = f"{result['syncs'][name]:.3g}" if name in result["syncs"] else ""
        has_bytes = "written_bytes" in answers[0]  # not of what other processes write
        written = in_bytes(statistics.median(answer["written_bytes"] for answer in answers)) if has_bytes else ""
        what = CONTESTANTS[name][2] if result["work"] in ("update", "batch", "threads", "processes") else ""
        if "archive_bytes" in answers[0]:
            what = f"archive of {in_bytes(answers[0]['archive_bytes'])}"
        lines.append(f"| {name} | {in_time(statistics.median(times))} ({in_time(min(times))} to "
                     f"{in_time(max(times))}) | {syncs} | {written} | {what} |")
    return lines


def targets(result):
    if not result["targets"]:
        return []
    lines = ["", "| target | ratio | median (min to max) | at most | |", "|---|---|---|---|---|"]
    for target in result["targets"]:
        lines.append(f"| {target['label']} | {target['ours']} / {target['other']} | {target['median']:.2f} "
                     f"({target['min']:.2f} to {target['max']:.2f}) | {target['limit']:g} | "
                     f"{'met' if target['met'] else '**missed**'} |")
    return lines


def main():
    folder = pathlib.Path(sys.argv[1])
    for path in sorted(folder.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        lines = ["# Results", "", f"{in_words(data['machine'])}; {data['rounds']} rounds. Written by `./dev bench`; "
                 "[PERFORMANCE.md](../../docs/PERFORMANCE.md) tells how to read it."]
        for result in data["results"]:
            lines += ["", f"## {result['title']}", ""] + contestants(result) + targets(result)
        path.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
