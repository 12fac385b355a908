"""A project that could not be opened is loud, names who has it, and can be waited for."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import PATIENCE, run_python
from safe_chunk_engine import (
    Fault,
    InvalidArgumentError,
    LockedError,
    NotOwnedWarning,
    NotOwnerError,
    SafeChunkEngine,
)

Make = Callable[..., SafeChunkEngine]

HOLDER = """
import sys
from safe_chunk_engine import SafeChunkEngine
engine = SafeChunkEngine("project", base_dir=sys.argv[1])
print(engine.is_active(), flush=True)
sys.stdin.readline()
engine.detach()
print("gone", flush=True)
sys.stdin.readline()
"""


class Holder:
    """Another process that has the project until it is told to let go."""

    def __init__(self, base: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(base)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "True"

    def _answer(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def let_go(self) -> None:
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        assert self._answer() == "gone"

    def end(self) -> None:
        self._process.kill()
        self._process.communicate(timeout=PATIENCE)


@pytest.fixture
def holder(base: Path) -> Iterator[Holder]:
    """The project is another process's."""
    held = Holder(base)
    yield held
    held.end()


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


# --- loud

# pytest has handlers of `logging`; a plain program has none.


def test_a_project_that_is_not_owned_gives_one_warning(base: Path, holder: Holder) -> None:
    done = run_python(
        """if True:
        import sys
        from safe_chunk_engine import SafeChunkEngine
        engine = SafeChunkEngine("project", base_dir=sys.argv[1])
        for i in range(3):
            assert engine.stage_update({"i": i}, "c") is False
        """,
        base,
    )
    lines = done.stderr.splitlines()
    assert sum("NotOwnedWarning" in line for line in lines) == 1, done.stderr
    assert "<string>:4" in lines[0] and "nothing can be saved" in lines[0]
    assert "another owner holds the project: process" in lines[0]
    # The first refused edit says so, too; the others do not.
    assert sum("not_owner" in line for line in lines) == 1, done.stderr


def test_a_fault_that_nobody_hears_is_on_stderr_once_for_each_kind(base: Path) -> None:
    program = """if True:
        import logging, os, sys
        from safe_chunk_engine import SafeChunkEngine
        engine = SafeChunkEngine("project", base_dir=sys.argv[1])
        {setup}
        for name in ("a", "b"):
            file = engine.chunks_path / f"{{name}}.json"
            file.write_text("{{")
            os.utime(file, (1, 1))
            engine.fetch_chunk(name)
        """
    unheard = run_python(program.format(setup=""), base).stderr
    assert unheard.count("lost: ") == 1 and "'a'" in unheard, unheard
    assert "'b'" not in unheard
    handled = run_python(program.format(setup="engine.on_fault = lambda fault: None"), base).stderr
    assert handled == ""
    logged = run_python(program.format(setup="logging.basicConfig()"), base).stderr
    assert "'a'" in logged and "'b'" in logged


def test_reasons_are_words(make_engine: Make) -> None:
    engine = make_engine()
    engine["c"] = 1
    engine.force_sync()
    faults: list[Fault] = []
    engine.on_fault = faults.append
    os.rename(engine.chunks_path, engine.project_path / "away")
    (engine.project_path / "chunks").write_text("")
    engine.verify()
    os.unlink(engine.project_path / "chunks")
    os.rename(engine.project_path / "away", engine.chunks_path)
    texts = [str(InvalidArgumentError("x", os_errno=24)), *map(str, faults)]
    assert "Too many open files" in texts[0]
    assert not any("errno" in text for text in texts)


# --- who has it


def test_the_same_process_is_named_as_such(make_engine: Make, base: Path) -> None:
    first = make_engine()
    line = sys._getframe().f_lineno + 1
    second = SafeChunkEngine("project", base_dir=base)
    faults: list[Fault] = []
    second.on_fault = faults.append
    assert [fault.code for fault in faults] == ["locked"]
    assert "this process has it open already, since 20" in faults[0]
    assert "conftest.py:" in faults[0] and "detach that engine first" in faults[0]
    assert second.stage_update(1, "c") is False
    assert "this process has it open already" in faults[1]
    with pytest.raises(LockedError, match="this process has it open already"):
        SafeChunkEngine("project", base_dir=base, strict=True)
    first.detach()
    third = SafeChunkEngine("project", base_dir=base)
    with pytest.raises(LockedError, match=rf"test_ownership.py:{line + 11}"):
        make_engine(strict=True)
    third.detach()


def test_a_refused_edit_says_why_in_words(base: Path) -> None:
    base.mkdir()
    (base / "project").write_text("a file in the place of the folder")
    engine = SafeChunkEngine("project", base_dir=base)
    assert engine.stage_update(1, "c") is False
    assert "does not own the project: " in engine.log_history[-1]
    assert "(Not a directory)" in engine.log_history[-1]


def test_another_process_is_named_by_its_number(make_engine: Make, holder: Holder) -> None:
    with pytest.raises(LockedError, match="another owner holds the project: process"):
        make_engine(strict=True)


def test_the_warning_names_the_line_that_opened_it(
    make_engine: Make, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_engine()
    monkeypatch.setattr("safe_chunk_engine._events.logger.hasHandlers", lambda: False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        SafeChunkEngine("project", base_dir=base)
    assert [warning.category for warning in caught] == [NotOwnedWarning]
    assert caught[0].filename == __file__


# --- a cell of a notebook

CELL_WITH = """
with SafeChunkEngine("notes", base_dir=base) as engine:
    ok = engine.stage_update({"run": run}, "state")
"""
CELL_SHARED = """
engine = SafeChunkEngine.shared("notes", base_dir=base)
ok = engine.stage_update({"run": run}, "state")
"""


@pytest.mark.parametrize("cell", [CELL_WITH, CELL_SHARED])
def test_a_cell_runs_again_and_again(base: Path, cell: str) -> None:
    names: dict[str, Any] = {"SafeChunkEngine": SafeChunkEngine, "base": base}
    for run in range(4):
        names["run"] = run
        exec(cell, names)
        assert names["ok"] is True
    engine = SafeChunkEngine.shared("notes", base_dir=base)
    assert engine.fetch_chunk("state") == {"run": 3}
    assert SafeChunkEngine.shared("notes", base_dir=base) is engine
    engine.detach()


def test_shared_opens_again_after_detach_and_follows_links(base: Path, tmp_path: Path) -> None:
    first = SafeChunkEngine.shared("notes", base_dir=base)
    (tmp_path / "link").symlink_to(base)
    assert SafeChunkEngine.shared("notes", base_dir=tmp_path / "link") is first
    first.detach()
    second = SafeChunkEngine.shared("notes", base_dir=base)
    assert second is not first and second.is_active()
    second.detach()


def test_shared_of_threads_is_one_engine(base: Path) -> None:
    found: list[SafeChunkEngine] = []
    barrier = threading.Barrier(4)

    def open_it() -> None:
        barrier.wait()
        found.append(SafeChunkEngine.shared("notes", base_dir=base))

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(engine.is_active() for engine in found)
    assert len(set(map(id, found))) == 1
    found[0].detach()


# --- waiting


def test_lock_timeout_waits(base: Path, holder: Holder) -> None:
    opened: list[SafeChunkEngine] = []
    started = threading.Event()

    def open_it() -> None:
        started.set()
        opened.append(SafeChunkEngine("project", base_dir=base, lock_timeout=PATIENCE, strict=True))

    thread = threading.Thread(target=open_it)
    thread.start()
    started.wait(PATIENCE)
    holder.let_go()
    thread.join()
    assert opened[0].is_active() and opened[0].stage_update(1, "c")
    opened[0].detach()


def test_lock_timeout_ends_with_a_clear_error(base: Path, holder: Holder) -> None:
    with pytest.raises(LockedError, match=r"process \d+ on .*; waited 0.05 s"):
        SafeChunkEngine("project", base_dir=base, lock_timeout=0.05, strict=True)
    engine = SafeChunkEngine("project", base_dir=base, lock_timeout=0.05)
    assert engine.attach() is False
    assert "waited 0.05 s" in engine.log_history[-1]


@pytest.mark.parametrize("wrong", [-1, float("nan")])
def test_lock_timeout_is_checked(base: Path, wrong: float) -> None:
    with pytest.raises(InvalidArgumentError, match="lock_timeout"):
        SafeChunkEngine("project", base_dir=base, lock_timeout=wrong)
    with pytest.raises(TypeError, match="lock_timeout"):
        SafeChunkEngine("project", base_dir=base, lock_timeout="1")  # type: ignore[arg-type]
    assert not base.exists()


@pytest.mark.parametrize("strict", [False, True])
def test_wait_takes_the_project_when_it_is_free(base: Path, holder: Holder, strict: bool) -> None:
    statuses: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        engine = SafeChunkEngine("project", base_dir=base, wait=True, strict=strict)
    engine.on_status = statuses.append
    assert engine.is_active() is False
    if strict:
        with pytest.raises(NotOwnerError):
            engine.stage_update(1, "c")
    else:
        assert engine.stage_update(1, "c") is False
    holder.let_go()
    assert eventually(engine.is_active)
    assert engine.stage_update({"i": 2}, "c") and engine.force_sync()
    assert any(status.startswith("attached") for status in statuses)
    assert engine.detach() and engine.is_active() is False


def test_detach_ends_the_waiting(base: Path, holder: Holder) -> None:
    engine = SafeChunkEngine("project", base_dir=base, wait=True)
    thread = next(t for t in threading.enumerate() if t.name == "wait for project")
    assert engine.detach()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    holder.let_go()
    assert engine.is_active() is False


def test_an_engine_that_waits_can_go(base: Path, holder: Holder) -> None:
    engine = SafeChunkEngine("project", base_dir=base, wait=True)
    thread = next(t for t in threading.enumerate() if t.name == "wait for project")
    del engine
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_an_interpreter_ends_while_an_engine_waits(base: Path, holder: Holder) -> None:
    run_python(
        "import sys\n"
        "from safe_chunk_engine import SafeChunkEngine\n"
        "engine = SafeChunkEngine('project', base_dir=sys.argv[1], wait=True)\n",
        base,
    )


# --- forked


def test_a_forked_worker_is_told_what_to_do(base: Path) -> None:
    done = run_python(
        """if True:
        import os, sys
        from safe_chunk_engine import NotOwnerError, SafeChunkEngine
        engine = SafeChunkEngine("project", base_dir=sys.argv[1])
        child = os.fork()
        if child == 0:
            assert engine.stage_update(1, "c") is False
            assert engine.stage_update(1, "c") is False
            for edit in (lambda: engine.__setitem__("c", 1), engine.transaction().commit):
                try:
                    edit()
                except NotOwnerError as error:
                    assert "was forked from process" in str(error), error
            assert engine.detach() in (True, False)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert engine.stage_update(2, "c") and engine.detach()
        """,
        base,
    )
    assert done.stderr.count("this process was forked from process") == 1, done.stderr
    assert "make a SafeChunkEngine there" in done.stderr


# --- where


def test_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with SafeChunkEngine("project", base_dir="~/data") as engine:
        assert engine.project_path == tmp_path / "data" / "project"
    assert SafeChunkEngine.list_all_projects("~/data") == ["project"]
    opened, reason = SafeChunkEngine.open("project", "~/data")
    assert opened is not None, reason
    opened.detach()
    made, reason = SafeChunkEngine.new("project", "~/data")
    assert made is not None and made.project_path == tmp_path / "data" / "project_1"
    made.detach()
    SafeChunkEngine.unlock_project("project", "~/data")
    assert sorted(os.listdir(tmp_path)) == ["data"]
