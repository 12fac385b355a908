#!/usr/bin/env python3
"""Rules about the source that no compiler checks: layers, who may touch the operating system, who
may publish a name, who may start a thread, size and leftovers.

    tidy.py SOURCE_FOLDER

Every rule is first held against a bad example, so that a rule that has stopped working fails too.
"""

import pathlib
import re
import sys

# What each layer may include, beside itself: a layer, or single headers of one. Engine and storage are
# neighbours over store: neither includes the other.
LAYERS = {
    "base": set(),
    "platform": {"base"},
    "json": {"base"},
    "archive": {"base", "platform/thread.h"},
    "store": {"base"},
    "storage": {"base", "platform", "json", "archive", "store"},
    "engine": {"base", "store", "platform/clock.h", "platform/process.h", "platform/readiness.h",
               "platform/thread.h"},
    "api": {"base", "platform", "json", "storage", "engine", "store"},
}
# The same inside storage: which sub-folder stands on which.
ROOMS = {
    "files": set(),
    "journal": {"files"},
    "chunks": {"files"},
    "checkpoints": {"files", "chunks"},
    "logs": {"files", "chunks"},
    "project": {"files", "journal", "chunks", "checkpoints", "logs"},
}
# The engine knows nothing of how a store keeps its edits.
ENGINE_WORDS = re.compile(r"\b\w*(journal|quarantine|stamp|inode|directory)\w*\b", re.IGNORECASE)
ENGINE_MAY_SAY = {"Durability::journal", "journal_synced", "sync_by_journal"}
# The public headers that speak about values only; engine.hpp is the face of the api layer.
PUBLIC_OF_API = {"safechunk/engine.hpp", "safechunk/safechunk.hpp", "safechunk/nlohmann.hpp",
                 "safechunk/maintenance.hpp", "safechunk/report_json.hpp", "safechunk/safechunk.h", "safechunk/logs.h", "safechunk/parts.h",
                 "safechunk/events.h", "safechunk/names.h",
                 "safechunk/projects.h"}

OS_HEADERS = re.compile(
    r"(^|/)(unistd|fcntl|dirent|pthread|signal|poll|pwd|grp|spawn|sched|termios|windows|io)\.h$"
    r"|^(sys|linux|arpa|netinet|asm)/")
# The interactive command asks whether its output is a terminal, ends cleanly after a signal, says on
# which file system a project lies, and runs editors and filters.
OS_HEADERS_ALLOWED = {("cli", "unistd.h"), ("cli", "signal.h"), ("cli", "sys/stat.h"), ("cli", "fcntl.h"),
                      ("cli", "poll.h"), ("cli", "spawn.h"), ("cli", "sys/wait.h")}
# The worker, and the archive's helpers, which are joined before the call that started them returns.
THREAD_OWNERS = {"src/engine/worker.h", "src/archive/compress_ahead.h",
                 "src/archive/compress_ahead.cc", "src/archive/zip_reader.cc"}
THREAD = re.compile(r"std::(jthread|async)\b|std::thread\b(?!::id|&)")
PUBLISHER = "src/storage/files/durable_file.cc"
# Pass every call of a folder on.
FORWARDERS = ("src/storage/files/weak_folders.cc", "src/storage/files/folder_on_demand.cc")
RENAME = re.compile(r"(->|\.)rename\(|\bstd::rename\(|filesystem::rename\(")
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
MAX_LINES = 500
# Errors of the operating system are translated in platform/; above it there are predicates.
ERRNO = re.compile(r"\bE(?!XCLUDES\b)[A-Z]{3,}\b|\berrno\b|<cerrno>|<errno\.h>")


def code_of(text):
    """The text without comments and string contents, with its lines kept."""
    def blank(match):
        found = match.group(0)
        return found if found[0] in "\"'" and len(found) <= 3 else "\n" * found.count("\n") + " "
    pattern = r'R"\((?:.|\n)*?\)"|//[^\n]*|/\*(?:.|\n)*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-zA-Z])\'(?:\\.|[^\'\\\n])+\''
    return re.sub(pattern, blank, text)


def check_layers(path, text):
    parts = path.split("/")
    if parts[0] != "src" or len(parts) < 3:
        return
    layer = parts[1]
    if layer not in LAYERS:
        yield f"{path}: '{layer}' is no layer of the design"
        return
    for header in INCLUDE.findall(text):
        target = header.split("/")[0]
        allowed = LAYERS[layer]
        if target in LAYERS and target != layer and target not in allowed and header not in allowed:
            yield f"{path}: the layer '{layer}' includes '{header}' of a layer that is not below it"
        if layer == "storage" and target == "storage" and len(parts) == 4:
            room, other = parts[2], header.split("/")[1]
            if room not in ROOMS or (other != room and other not in ROOMS[room]):
                yield f"{path}: '{room}' includes '{header}', which does not lie below it"
        if header in PUBLIC_OF_API and layer != "api":
            yield f"{path}: the layer '{layer}' includes the face of the api layer, '{header}'"


def check_os_headers(path, text):
    name = path.split("/")[-1]
    if path.startswith("src/platform/") and name.startswith(("posix_", "linux_", "win32_")):
        return
    for header in INCLUDE.findall(text):
        if OS_HEADERS.search(header) and (path.split("/")[0], header) not in OS_HEADERS_ALLOWED:
            yield f"{path}: includes '{header}'; only src/platform/posix_*, linux_* and win32_* may"


def check_errno(path, text):
    if path.startswith(("src/storage/", "src/engine/", "src/store/")) and ERRNO.search(code_of(text)):
        yield f"{path}: speaks of errno; ask a predicate of platform/file_system.h"


def check_engine_words(path, text):
    if not path.startswith("src/engine/"):
        return
    code = code_of(text)
    for allowed in ENGINE_MAY_SAY:
        code = code.replace(allowed, "")
    for match in ENGINE_WORDS.finditer(code):
        yield f"{path}: '{match.group(0)}' is the business of a store"


def check_publishing(path, text):
    if path not in (PUBLISHER, *FORWARDERS) and RENAME.search(code_of(text)):
        yield f"{path}: renames; only {PUBLISHER} publishes a name"


def check_threads(path, text):
    if path not in THREAD_OWNERS and THREAD.search(code_of(text)):
        yield f"{path}: starts a thread; only engine/worker.h owns one"


def check_leftovers(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if LEFTOVER.search(line):
            yield f"{path}:{number}: unfinished: {line.strip()}"


def check_size(path, text):
    lines = text.count("\n")
    if lines > MAX_LINES:
        yield f"{path}: {lines} lines, more than {MAX_LINES}"


RULES = [check_layers, check_os_headers, check_errno, check_engine_words, check_publishing, check_threads, check_leftovers, check_size]

# (rule, path, text, whether the rule must complain)
EXAMPLES = [
    (check_layers, "src/base/x.h", '#include "storage/journal.h"\n', True),
    (check_layers, "src/json/x.h", '#include "platform/file_system.h"\n', True),
    (check_layers, "src/storage/x.cc", '#include "engine/engine_core.h"\n', True),
    (check_layers, "src/engine/x.cc", "#include <safechunk/engine.hpp>\n", True),
    (check_layers, "src/extra/x.cc", "", True),
    (check_layers, "src/engine/x.cc", '#include "storage/journal/journal.h"\n', True),
    (check_layers, "src/engine/x.cc", '#include "platform/file_system.h"\n', True),
    (check_layers, "src/engine/x.cc", '#include "platform/clock.h"\n#include <safechunk/status.hpp>\n', False),
    (check_layers, "src/store/x.h", '#include "platform/clock.h"\n', True),
    (check_layers, "src/storage/files/x.h", '#include "storage/journal/journal.h"\n', True),
    (check_layers, "src/storage/project/x.h", '#include "storage/journal/journal.h"\n', False),
    (check_errno, "src/storage/files/x.cc", "if (status.error().os_errno == EEXIST) {}\n", True),
    (check_errno, "src/storage/files/x.cc", "// EEXIST\nif (already_exists(status)) {}\n", False),
    (check_errno, "src/platform/posix_x.cc", "return errno;\n", False),
    (check_engine_words, "src/engine/x.cc", "sync_journal(3);\n", True),
    (check_engine_words, "src/engine/x.cc", "// the journal\nschedule_.journal_synced(now);\n", False),
    (check_layers, "src/api/x.cc", "#include <safechunk/engine.hpp>\n", False),
    (check_os_headers, "src/storage/x.cc", "#include <unistd.h>\n", True),
    (check_os_headers, "src/platform/clock.cc", "#  include <sys/stat.h>\n", True),
    (check_os_headers, "include/safechunk/x.hpp", "#include <fcntl.h>\n", True),
    (check_os_headers, "src/platform/posix_x.cc", "#include <sys/stat.h>\n", False),
    (check_os_headers, "src/base/x.cc", "#include <cstdio>\n#include <system_error>\n", False),
    (check_publishing, "src/storage/commit.cc", "chunks->rename(a, b, c);\n", True),
    (check_publishing, "src/storage/x.cc", "root.rename(a, b, c);\n", True),
    (check_publishing, "cli/x.cc", "std::filesystem::rename(a, b);\n", True),
    (check_publishing, "src/storage/x.cc", "// never call x.rename(a)\nauto s = \"x.rename(a)\";\n", False),
    (check_publishing, PUBLISHER, "directory_->rename(a, b, c);\n", False),
    (check_threads, "src/storage/x.cc", "std::thread t(f);\n", True),
    (check_threads, "src/engine/x.cc", "auto f = std::async(g);\n", True),
    (check_threads, "src/engine/x.cc", "std::thread::id id = std::this_thread::get_id();\n", False),
    (check_threads, "src/engine/worker.h", "std::thread thread_;\n", False),
    (check_leftovers, "src/base/x.cc", "int x;  // TODO: later\n", True),
    (check_leftovers, "src/base/x.cc", "// todos are lists\n", False),
    (check_size, "src/base/x.cc", "\n" * (MAX_LINES + 1), True),
    (check_size, "src/base/x.cc", "\n" * MAX_LINES, False),
]


def self_check():
    for rule, path, text, bad in EXAMPLES:
        if bool(list(rule(path, text))) != bad:
            yield (f"self-check: {rule.__name__} {'misses' if bad else 'complains about'} "
                   f"{path}: {text[:60]!r}")


def main():
    root = pathlib.Path(sys.argv[1])
    problems = list(self_check())
    files = [file for folder in ("src", "include", "cli") for file in sorted((root / folder).rglob("*"))
             if file.suffix in (".h", ".hpp", ".cc")]
    if len(files) < 50:
        problems.append(f"only {len(files)} source files found in {root}")
    for file in files:
        path = file.relative_to(root).as_posix()
        text = file.read_text(encoding="utf-8")
        for rule in RULES:
            problems.extend(rule(path, text))
    for problem in problems:
        print(problem)
    print(f"{len(files)} files, {len(problems)} problems")
    return 1 if problems else 0


sys.exit(main())
