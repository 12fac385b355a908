"""Compiles and runs the README's C++ and C programs, and runs its Python program and its shell lines;
each must print exactly the ```text block that follows it. Python is left out without --python; `py` is
Python without the package, which loads the shared library."""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile


def blocks(text):
    """Pairs of (language, body) of all fenced blocks, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          **options)
    if done.returncode != 0:
        sys.exit(f"{command} failed:\n{done.stdout}")
    return done.stdout


def output_of(language, body, arguments, folder):
    library = pathlib.Path(arguments.library)
    if language == "cpp":
        (folder / "main.cc").write_text(body)
        run([arguments.compiler, "-std=c++20", "-Wall", "-Wextra", "-Werror", "-I",
             arguments.include, "main.cc", str(library), f"-Wl,-rpath,{library.parent}",
             "-o", "program"], cwd=folder)
        return run([str(folder / "program")], cwd=folder)
    if language == "c":
        (folder / "main.c").write_text(body)
        run([arguments.c_compiler, "-std=c99", "-Wall", "-Wextra", "-Werror", "-I",
             arguments.include, "main.c", str(library), f"-Wl,-rpath,{library.parent}",
             "-o", "program"], cwd=folder)
        return run([str(folder / "program")], cwd=folder)
    if language == "py":
        (folder / "main.py").write_text(body)
        return run([sys.executable, "main.py"], cwd=folder,
                   env={"LD_LIBRARY_PATH": str(library.parent)})
    if language == "python":
        (folder / "main.py").write_text(body)
        return run([arguments.python, "main.py"], cwd=folder)
    path = f"{pathlib.Path(arguments.cli).parent}:/usr/bin:/bin"
    return run(["bash", "-euc", body], cwd=folder, env={"PATH": path})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("readme")
    for option in ("--cli", "--library", "--include", "--compiler", "--c-compiler"):
        parser.add_argument(option, required=True)
    parser.add_argument("--python", default="")
    arguments = parser.parse_args()
    languages = ("cpp", "c", "sh", "py") + (("python",) if arguments.python else ())
    all_blocks = blocks(pathlib.Path(arguments.readme).read_text())
    checked = 0
    for (language, body), (next_language, expected) in zip(all_blocks, all_blocks[1:]):
        if language not in languages or next_language != "text":
            continue
        with tempfile.TemporaryDirectory() as folder:
            printed = output_of(language, body, arguments, pathlib.Path(folder))
        if printed != expected:
            sys.exit(f"the {language} block printed:\n{printed}\nthe README says:\n{expected}")
        checked += 1
    if checked != sum(language in languages for language, _ in all_blocks) or checked < 2:
        sys.exit("a block of code has no block of output behind it")
    print(f"{checked} blocks run")


main()
