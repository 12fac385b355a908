#!/usr/bin/python3
"""Draws the plots of the README from the results of run.py.

    plot.py RESULTS_FOLDER TARGET_FOLDER      reads here.json, writes *.svg
"""

import json
import pathlib
import statistics
import sys

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "safechunk"  # the same results give the same file
import matplotlib.pyplot as plt  # noqa: E402  after the backend was chosen

OURS = {"engine file": "tab:blue", "engine journal": "tab:green"}
STYLES = {"floor file": ("tab:blue", "--"), "floor log": ("tab:green", "--")}


def times(result, name):
    return [answer.get("median_ns", answer["mean_ns"]) / 1e6 for answer in result["rounds"][name]]


def median(result, name):
    return statistics.median(times(result, name))


def save(figure, folder, name, machine):
    figure.text(0.99, 0.01, machine, ha="right", fontsize=6, color="gray")
    figure.tight_layout(rect=(0, 0.02, 1, 1))
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def lines(results, x, title, x_label):
    figure, axes = plt.subplots(figsize=(7, 4.2))
    names = ["floor file", "engine file", "floor log", "engine journal"]
    for name in names:
        points = sorted((result[x], median(result, name)) for result in results if name in result["rounds"])
        if not points:
            continue
        color, dashes = STYLES.get(name, (OURS.get(name), "-"))
        axes.plot(*zip(*points), dashes, color=color, marker="o", markersize=3, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x_label)
    axes.set_ylabel("milliseconds (median of the rounds)")
    axes.grid(alpha=0.3, which="both")
    axes.legend(fontsize=8)
    return figure


def bars(result, title):
    names = sorted(result["rounds"], key=lambda name: median(result, name))
    middle = [median(result, name) for name in names]
    spread = [[m - min(times(result, n)) for m, n in zip(middle, names)],
              [max(times(result, n)) - m for m, n in zip(middle, names)]]
    figure, axes = plt.subplots(figsize=(7, 0.32 * len(names) + 1.2))
    colors = [OURS.get(name, "silver" if name.startswith("floor") else "tab:gray") for name in names]
    axes.barh(names, middle, xerr=spread, color=colors, ecolor="black", capsize=2)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("milliseconds: median, minimum and maximum of the rounds")
    axes.grid(alpha=0.3, axis="x")
    return figure


def main():
    source, target = map(pathlib.Path, sys.argv[1:])
    if not (source / "here.json").exists():
        return
    data = json.loads((source / "here.json").read_text(encoding="utf-8"))
    info = data["machine"]
    machine = (f"{info['cores']} cores, Linux {info['kernel']}, {info['file_system']} {info['journal']}, "
               f"{info['date']}, {data['rounds']} rounds")
    by_name = {result["name"]: result for result in data["results"]}
    alone = [result for name, result in by_name.items() if name.startswith("update")]
    among = [result for name, result in by_name.items() if name.startswith("among")]
    if alone:
        save(lines(alone, "size", "One update, acknowledged as durable", "bytes of the document"),
             target, "update_by_size", machine)
    if among:
        save(lines(among, "chunks", "One update of 1 KB among other chunks", "chunks in the project"),
             target, "update_by_chunks", machine)
    for name, file in (("update 1000", "update_1kb"), ("update 100000", "update_100kb"), ("batch 100", "batch")):
        if name in by_name:
            save(bars(by_name[name], by_name[name]["title"]), target, file, machine)


main()
