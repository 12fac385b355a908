"""Watching for changes: watch() and on_change."""

from __future__ import annotations

import asyncio
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from safe_chunk_engine import (
    Change,
    Fault,
    InvalidArgumentError,
    NotFoundError,
    SafeChunkEngine,
    UnavailableError,
)

PATIENCE = 60.0
QUIET = 0.7  # longer than what the watch waits for


def wait_for(condition: Callable[[], bool]) -> None:
    done = threading.Event()
    for _ in range(int(PATIENCE * 100)):
        if condition():
            return
        done.wait(0.01)
    raise AssertionError("it did not come")


def test_own_commits_and_edits_of_others(engine: SafeChunkEngine) -> None:
    with engine.watch() as watch:
        engine["a"] = 1
        engine.force_sync()
        change = watch.next(PATIENCE)
        assert change is not None
        assert (change.chunk, change.origin, change.previous_revision) == ("a", "local", "")
        assert change.revision == engine.revision("a")
        (engine.chunks_path / "a.json").write_text("2")
        edit = watch.next(PATIENCE)
        assert edit == Change("a", engine.revision("a"), change.revision, "edit", 0)
        (engine.chunks_path / "a.json").write_text("[")  # not JSON: nothing is told
        assert watch.next(QUIET) is None
        (engine.chunks_path / "a.json").unlink()
        gone = watch.next(PATIENCE)
        assert gone is not None and (gone.origin, gone.revision) == ("removed_outside", "")


def test_one_chunk_only_and_since(engine: SafeChunkEngine) -> None:
    with engine.watch("b", delivery="every") as watch:
        for n in range(3):
            engine["a"] = engine["b"] = n
            engine.force_sync()
        changes = [watch.next(PATIENCE) for _ in range(3)]
        assert [change and change.chunk for change in changes] == ["b"] * 3
        assert watch.next(0.05) is None
    first = changes[0]
    assert first is not None
    with engine.watch(since=first.number, delivery="every") as later:
        numbers = [change.number for change in (later.next(PATIENCE) for _ in range(4)) if change]
    assert numbers == list(range(first.number + 1, first.number + 5))
    with engine.watch(since=1) as all_of_them:
        change = all_of_them.next(PATIENCE)
        assert change is not None and (change.origin, change.chunk) == ("resync", "")


def test_iteration_ends_when_it_is_closed(engine: SafeChunkEngine) -> None:
    watch = engine.watch()
    seen: list[str] = []

    def follow() -> None:
        for change in watch:
            seen.append(change.chunk)

    thread = threading.Thread(target=follow)
    thread.start()
    engine["a"] = 1
    engine.force_sync()
    wait_for(lambda: seen == ["a"])
    watch.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_asyncio(engine: SafeChunkEngine) -> None:
    async def follow() -> list[str]:
        seen = []
        with engine.watch() as watch:
            engine["a"] = 1
            asyncio.get_running_loop().call_later(0.05, engine.force_sync)
            async for change in watch:
                seen.append(change.chunk)
                if change.chunk == "b":
                    return seen
                engine["b"] = 1
                asyncio.get_running_loop().call_later(0.05, engine.force_sync)
        return seen

    assert asyncio.run(asyncio.wait_for(follow(), PATIENCE)) == ["a", "b"]


def test_select(engine: SafeChunkEngine) -> None:
    with engine.watch() as watch:
        assert select.select([watch], [], [], 0)[0] == []
        engine["a"] = 1
        engine.force_sync()
        assert select.select([watch], [], [], PATIENCE)[0] == [watch]


def test_on_change(engine: SafeChunkEngine) -> None:
    seen: list[Change] = []
    faults: list[Fault] = []
    engine.on_fault = faults.append

    def handler(change: Change) -> None:
        seen.append(change)
        if len(seen) == 1:
            raise ValueError("oops")

    engine.on_change = handler
    assert engine.on_change is handler
    for n in range(2):
        engine["a"] = n
        engine.force_sync()
        wait_for(lambda: len(seen) == n + 1)  # noqa: B023
    assert [change.origin for change in seen] == ["local", "local"]
    wait_for(lambda: len(faults) == 1)
    assert "on_change threw: ValueError('oops')" in faults[0]
    engine.on_change = None
    assert engine.on_change is None
    engine["a"] = 9
    engine.force_sync()
    assert len(seen) == 2


def test_two_processes(engine: SafeChunkEngine, base: Path) -> None:
    script = (
        "import sys; from safe_chunk_engine import SafeChunkEngine\n"
        "reader = SafeChunkEngine('project', base_dir=sys.argv[1], mode='read')\n"
        "with reader.watch('a') as watch:\n"
        "    print('ready', flush=True)\n"
        "    change = watch.next(60)\n"
        "    print(change.origin, reader['a'], flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, os.fspath(base)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        engine["b"] = 1
        engine["a"] = 7
        engine.force_sync()
        assert process.stdout.readline() == "process 7\n"
    assert process.returncode == 0


def test_errors(tmp_path: Path) -> None:
    reader = SafeChunkEngine("absent", base_dir=tmp_path, mode="read")
    with pytest.raises(NotFoundError):
        reader.watch()
    with SafeChunkEngine("there", base_dir=tmp_path) as engine:
        engine["a"] = 1
        engine.force_sync()
        reader = SafeChunkEngine("there", base_dir=tmp_path, mode="read")
        with pytest.raises(UnavailableError, match="counted"):
            reader.watch(since=3)
        with pytest.raises(InvalidArgumentError):
            engine.watch(delivery="all")  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            engine.on_change = 3  # type: ignore[assignment]


def test_a_program_may_end_while_it_watches(tmp_path: Path) -> None:
    script = (
        "import sys; from safe_chunk_engine import SafeChunkEngine\n"
        "engine = SafeChunkEngine('p', base_dir=sys.argv[1])\n"
        "engine.on_change = print\n"
        "engine['a'] = 1\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, os.fspath(tmp_path)], timeout=PATIENCE, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "p/chunks/a.json").read_text() == "1\n"
