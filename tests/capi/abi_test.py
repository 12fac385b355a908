"""Compares the C interface of the shared library with the stored baseline, and with its headers.

    abi_test.py --library FILE --headers FILES --baseline FILE --soname NAME --abidiff P --abidw P

Additions pass; anything that breaks programs built against the baseline fails. To accept a change
(with a new SONAME, or when something was added): SAFECHUNK_UPDATE_ABI=1.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

# The C++ classes of the library are not part of the C interface.
ONLY_C = """[suppress_function]
symbol_name_not_regexp = ^safechunk_
drop = yes
[suppress_variable]
symbol_name_not_regexp = ^safechunk_
drop = yes
"""
# Bits of abidiff's exit code.
FAILED, CHANGED, INCOMPATIBLE = 1 | 2, 4, 8


def run(command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def declared(headers):
    text = "".join(pathlib.Path(header).read_text() for header in headers)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return set(re.findall(r"SAFECHUNK_API[^;(]*?\b(safechunk_\w+)\(", text))


def exported(library):
    done = run(["nm", "-D", "--defined-only", library])
    if done.returncode != 0:
        sys.exit(done.stdout)
    # In a node of their own, which stays when the C++ names change.
    return set(re.findall(r" T (safechunk_\w+)@@SAFECHUNK_C_0$", done.stdout, re.M))


def check_names(arguments):
    names = declared(arguments.headers)
    if len(names) < 30 or names != exported(arguments.library):
        sys.exit(f"declared and exported differ: {sorted(names ^ exported(arguments.library))}")
    found = re.search(r"SONAME.*\[(.*)\]", run(["readelf", "-d", arguments.library]).stdout)
    if not found or found.group(1) != arguments.soname:
        sys.exit(f"the library is not called {arguments.soname}")
    print(f"{len(names)} functions, all declared and exported; {arguments.soname}")


def dump(arguments, rules, to):
    done = run([arguments.abidw, "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs",
                "--no-elf-needed", "--suppressions", rules, "--out-file", to, arguments.library])
    if done.returncode != 0:
        sys.exit(done.stdout)
    prune(to)


def prune(path):
    """Leaves only the C functions and the types that they lead to: what a C program sees."""
    document = xml.etree.ElementTree.parse(path)
    corpus = document.getroot()
    units = corpus.findall("abi-instr")
    types = {item.get("id"): item for unit in units for item in unit if item.get("id")}
    wanted, waiting = set(), []
    for unit in units:
        for item in list(unit):
            if item.tag == "function-decl" and item.get("name", "").startswith("safechunk_"):
                waiting.append(item)
            elif item.tag != "function-decl" and item.get("id"):
                continue
            else:
                unit.remove(item)
    while waiting:
        for item in waiting.pop().iter():
            for attribute in ("type-id", "naming-typedef-id"):
                name = item.get(attribute)
                if name in types and name not in wanted:
                    wanted.add(name)
                    waiting.append(types[name])
    for unit in units:
        for item in list(unit):
            if item.tag != "function-decl" and item.get("id") not in wanted:
                unit.remove(item)
        if len(unit) == 0:
            corpus.remove(unit)
    xml.etree.ElementTree.indent(document)
    document.write(path, encoding="unicode")


def compare(arguments, present):
    done = run([arguments.abidiff, "--no-added-syms", arguments.baseline, present])
    if done.returncode & (FAILED | CHANGED | INCOMPATIBLE):
        sys.exit(f"the C interface is not what it was:\n{done.stdout}")
    print("compatible with the baseline")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--headers", required=True, nargs="+")
    for option in ("library", "baseline", "soname", "abidiff", "abidw"):
        parser.add_argument(f"--{option}", required=True)
    arguments = parser.parse_args()
    check_names(arguments)
    with tempfile.TemporaryDirectory() as folder:
        rules, present = f"{folder}/rules.ini", f"{folder}/present.abi"
        pathlib.Path(rules).write_text(ONLY_C)
        dump(arguments, rules, present)
        if os.environ.get("SAFECHUNK_UPDATE_ABI"):
            shutil.copy(present, arguments.baseline)
        compare(arguments, present)


main()
