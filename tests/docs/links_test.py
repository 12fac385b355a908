"""Checks the documents: relative links lead to files, every promise is there, and every
test that GUARANTEES.md, MUTANTS.md and TESTING.md cite in backticks as Suite.Name exists (a * stands for anything).
"""

import fnmatch
import json
import pathlib
import re
import subprocess
import sys

CITED = re.compile(r"`([A-Za-z_*][\w*/]*\.[\w*/.]+)`")
FILE_ENDINGS = (".md", ".cc", ".h", ".hpp", ".py", ".txt", ".json", ".tmp", ".bak", ".sh", ".zip", ".abi", ".pml")


def check_links(root, problems):
    for document in [*root.glob("*.md"), *root.glob("docs/**/*.md")]:
        text = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
            if "://" not in target and not (document.parent / target).exists():
                problems.append(f"{document.name}: {target} does not exist")


def check_tests(root, build, problems):
    listing = subprocess.run(["ctest", "--show-only=json-v1"], cwd=build, check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    names = [test["name"] for test in json.loads(listing)["tests"]]
    cited = 0
    for document in ("GUARANTEES.md", "MUTANTS.md", "TESTING.md"):
        for pattern in CITED.findall((root / "docs" / document).read_text()):
            if pattern.endswith(FILE_ENDINGS):
                continue
            cited += 1
            if not fnmatch.filter(names, pattern):
                problems.append(f"{document}: there is no test {pattern}")
    if cited < 14:
        problems.append(f"only {cited} tests are cited")


def check_promises(root, problems):
    text = (root / "docs" / "GUARANTEES.md").read_text()
    sections = dict(re.findall(r"^## (G\d+)\b.*?\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    for number in [*range(1, 16), 17, 18, 19]:
        section = sections.get(f"G{number}", "")
        if not [p for p in CITED.findall(section) if not p.endswith(FILE_ENDINGS)]:
            problems.append(f"GUARANTEES.md: G{number} cites no test")


def main():
    root, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    problems = []
    check_links(root, problems)
    check_promises(root, problems)
    check_tests(root, build, problems)
    if problems:
        sys.exit("\n".join(problems))


main()
