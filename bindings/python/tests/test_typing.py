"""The package's types, checked as its users' checkers do, in strict mode."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1]
ROOT = SOURCE.parents[1]

# What a user writes, and what a checker must not let pass.
USER = """
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from safe_chunk_engine import (
    Fault, LogHandler, LogInfo, LogRecord, SafeChunkEngine, delete_project, list_projects,
)
from safe_chunk_engine.tinydb import SafeChunkStorage

@dataclass
class User:
    name: str

def show(fault: Fault) -> None:
    print(fault.upper(), fault.code, fault.error.path)

engine = SafeChunkEngine("project", 1.0, Path("data"), strict=True)
engine.on_fault = show
ok: bool = engine.stage_update({"a": [1, 2]}, "c")
name: str | None = engine.create_checkpoint("manual", 5, notes="x")
names: list[str] = engine.list_chunks() + list_projects() + list_projects(Path("data"))
delete_project("old", base_dir="data")
with engine.transaction() as edits:
    edits["c"] = 1
    edits.set("c", "/a", edits.read("d", {}))
    edits.require("e", if_absent=True)
width: int = engine.get("c", "/window/width", 800)
whole: dict[str, int] = engine.get("c", {}) or engine.get("c") or engine.get("c", default={})
part: str = engine.get("c", pointer="/name") or engine.get("c", "/name", default="")
revision: str = engine.revision("c")
ok = engine.set("c", "/a", [1], if_revision=revision) and engine.unset("c", "/a")
ok = engine.merge("c", {"a": None}) and engine.patch("c", [{"op": "remove", "path": "/a"}])

def count(counters: dict[str, int]) -> None:
    counters["n"] += 1

ok = engine.update("c", count, default={"n": 0}) and engine.update("n", lambda n: n + 1)
with engine.edit("c") as value:
    value["a"] = 1

def rename(user: User) -> None:
    user.name = "Bob"

maybe: User | None = engine.get("c", model=User)
maybe = engine.get("c", "/0", model=User) or engine.fetch_chunk("c", model=User)
user: User = engine.get("c", User("Eve"), model=User)
user = engine.get("c", "/0", User("Eve"), model=User)
user = engine.get("c", "/0", default=user, model=User)
user = engine.get("c", pointer="/0", default=user, model=User)
user = engine.fetch_value("c", "/0", model=User)
users: list[User] = engine.fetch_value("c", "", model=list[User])
ok = engine.set("c", "/0", {"name": "Eve"}, model=User) and engine.set("c", "/1", user)
ok = engine.update("c", rename, model=User) and engine.update("c", rename, default=user, model=User)
ok = engine.update("c", lambda user: User(user.name.upper()), model=User)
with engine.edit("c", model=User) as edited:
    edited.name = edited.name.upper()
with engine.transaction() as edits:
    maybe = edits.read("c", model=User)
    user = edits.read("c", user, model=User)

log = engine.log("events")
position: int = log.append({"a": 1})
first: int | None = log.extend([1, 2])
log.compact(last=5)
log.compact(keep=lambda value: value["a"] > 1)
records: list[LogRecord] = log.read(position, limit=10)
position = log.read().next + records[0].position
last: list[Any] = log.tail(3) + [value for value in log]
logs: list[LogInfo] = engine.list_logs()
with log.follow(start=position, timeout=1.0) as follower:
    record: LogRecord | None = follower.next(0.5)
handler = LogHandler(engine, "log")
handler = LogHandler(log, level="INFO")

mapping: MutableMapping[str, Any] = engine
engine.update({"a": 1}, b=user)
engine.update([("a", 1)])
engine.update(a=1)
pairs: list[tuple[str, Any]] = [*engine.items(), engine.popitem(), ("a", engine.pop("a", None))]
names = [*engine.keys(), *engine]
stored: dict[str, dict[str, Any]] | None = SafeChunkStorage("db", indent=2).read()

async def later() -> None:
    maybe: User | None = await engine.fetch_chunk_async("c", model=User)
    async with engine.edit("c", model=User) as user:
        user.name = maybe.name if maybe else ""
    await engine.set_async("c", "/a", 1)
    async with engine.edit("c") as value:
        value["a"] = 2
    async for entry in engine.log("events").follow():
        print(entry)
opened, reason = SafeChunkEngine.open("project", base_dir="data", debounce_delay=2.0)
if opened is not None:
    path: Path = opened.chunks_path
"""
WRONG = """
from safe_chunk_engine import SafeChunkEngine
SafeChunkEngine(1)
SafeChunkEngine("x").stage_update({}, 2)
SafeChunkEngine("x").on_sync = "text"
SafeChunkEngine("x").fetch_value("c", "", model=int).upper()
SafeChunkEngine("x").get("c", model=str).upper()
SafeChunkEngine("x").update("c", len, model=int)
SafeChunkEngine("x").update({1: 2})
SafeChunkEngine("x").log("l").compact()
SafeChunkEngine("x").log("l").read("1")
"""


def check(tool: list[str], file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*tool, str(file)], capture_output=True, text=True, timeout=300, cwd=file.parent
    )


def test_the_package_is_marked_as_typed() -> None:
    for package in ("safe_chunk_engine", "safechunk_engine"):
        assert (files(package) / "py.typed").is_file()
    assert (files("safe_chunk_engine") / "_core.pyi").is_file()


def test_mypy_strict(tmp_path: Path) -> None:
    mypy = [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={tmp_path}"]
    own = check(mypy, SOURCE / "safe_chunk_engine")
    assert own.returncode == 0, own.stdout
    (tmp_path / "user.py").write_text(USER)
    used = check(mypy, tmp_path / "user.py")
    assert used.returncode == 0, used.stdout
    (tmp_path / "wrong.py").write_text(WRONG)
    wrong = check(mypy, tmp_path / "wrong.py")
    assert wrong.stdout.count(": error:") == 9, wrong.stdout


def test_pyright_strict(tmp_path: Path) -> None:
    pyright = shutil.which("pyright", path=str(Path(sys.executable).parent))
    if pyright is None:
        pytest.skip("pyright is not installed")
    own = subprocess.run(
        [pyright, "--pythonpath", sys.executable, "-p", str(ROOT)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    if not re.search(r"^\d+ errors?,", own.stdout, re.M):  # it fetches itself when first used
        pytest.skip(f"pyright does not run here: {(own.stdout + own.stderr)[-200:]}")
    assert "0 errors" in own.stdout, own.stdout
    (tmp_path / "user.py").write_text("# pyright: strict\n" + USER)
    used = check([pyright, "--pythonpath", sys.executable], tmp_path / "user.py")
    assert "0 errors" in used.stdout, used.stdout
