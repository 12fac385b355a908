"""Logs: engine.log(), and LogHandler for `logging`."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from safe_chunk_engine import (
    ConflictError,
    Fault,
    InvalidArgumentError,
    InvalidJsonError,
    InvalidNameError,
    InvalidTypeError,
    Log,
    LogHandler,
    LogInfo,
    LogRecord,
    NotFoundError,
    NotOwnerError,
    SafeChunkEngine,
)

PATIENCE = 60.0


def lines_of(engine: SafeChunkEngine, log: str = "events") -> list[str]:
    return (engine.chunks_path / f"{log}.jsonl").read_text().splitlines()


@pytest.fixture
def log(engine: SafeChunkEngine) -> Log:
    return engine.log("events")


# --- writing


def test_append_takes_what_stage_update_takes(
    make_engine: Callable[..., SafeChunkEngine],
) -> None:
    """Breaks when values go another way than through the engine's encoder."""
    engine = make_engine(default=str)
    log = engine.log("events")
    assert log.append({"a": (1, 2.5), "é": None}) == 0
    assert log.append(Path("/x")) == len('{"a":[1,2.5],"é":null}\n'.encode())
    assert log.append(None) > 0
    assert lines_of(engine) == ['{"a":[1,2.5],"é":null}', '"/x"', "null"]
    with pytest.raises(InvalidJsonError):
        log.append(float("nan"))
    assert len(lines_of(engine)) == 3


def test_extend_appends_all_or_nothing(engine: SafeChunkEngine, log: Log) -> None:
    """Breaks when a value that JSON cannot hold leaves the ones before it, or nothing is told to
    the core as something."""
    assert log.extend(n for n in range(3)) == 0
    assert log.extend([3, 4]) == 6
    with pytest.raises(InvalidTypeError):
        log.extend([5, object()])
    assert log.extend([]) is None
    assert list(log) == [0, 1, 2, 3, 4]
    assert log.append(5) == 10


def test_what_was_not_appended_is_raised(make_engine: Callable[..., SafeChunkEngine]) -> None:
    """Breaks when append() treats failures as stage_update() does without ``strict``."""
    engine = make_engine(strict=False)
    log = engine.log("events")
    engine.detach()
    for call in (lambda: log.append(1), lambda: log.extend([1]), log.sync, log.rotate, log.remove):
        with pytest.raises(NotOwnerError):
            call()
    with pytest.raises(InvalidNameError):
        engine.log("a/b").append(1)
    with pytest.raises(TypeError):
        engine.log(1)  # type: ignore[arg-type]


def test_records_survive_a_kill(base: Path) -> None:
    """Breaks when append() keeps a record in the process."""
    code = """
import os, signal, sys
from safe_chunk_engine import SafeChunkEngine
log = SafeChunkEngine("project", base_dir=sys.argv[1]).log("events")
for n in range(1000):
    log.append(n)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code, str(base)], timeout=PATIENCE)
    assert done.returncode == -signal.SIGKILL
    reader = SafeChunkEngine("project", base_dir=base, mode="read")
    assert list(reader.log("events")) == list(range(1000))


def test_threads_share_a_log(log: Log) -> None:
    """Breaks when a record of a thread is lost, or the GIL and a lock of the core wait for each
    other."""

    def write(thread: int) -> None:
        for n in range(200):
            log.append([thread, n])
            if n % 50 == 0:
                log.sync()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    found = list(log)
    assert len(found) == 800
    assert all([n for t, n in found if t == thread] == list(range(200)) for thread in range(4))


# --- reading


def test_pages(engine: SafeChunkEngine, log: Log) -> None:
    """Breaks when a page has other records than those from its start on, or the next one does not
    begin behind it."""
    assert log.read() == [] and log.read().next == 0 and log.tail(3) == [] and list(log) == []
    log.extend(["a", None, 3])
    page = log.read(limit=2)
    assert page == [LogRecord(0, "a"), LogRecord(4, None)]
    assert (page.next, page.invalid) == (9, 0)
    rest = log.read(page.next)
    assert rest == [LogRecord(9, 3)] and log.read(rest.next) == []
    assert log.tail(2) == [None, 3] and log.tail(0) == [] and log.tail() == ["a", None, 3]
    with pytest.raises(ConflictError):
        log.read(1)
    with pytest.raises(InvalidArgumentError):
        log.read(limit=0)
    with pytest.raises(InvalidArgumentError):
        log.read(-1)


def test_iteration_reads_page_by_page(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Breaks when the iteration reads everything at once, or loses a record between two pages."""
    log.extend(range(2500))
    limits: list[int | None] = []
    read = Log.read

    def spy(self: Log, start: int = 0, limit: int | None = None) -> Any:
        limits.append(limit)
        return read(self, start, limit)

    monkeypatch.setattr(Log, "read", spy)
    assert list(log) == list(range(2500))
    assert limits == [1000] * 4


def test_lines_that_are_no_json_are_left_out_and_reported(engine: SafeChunkEngine) -> None:
    """Breaks when such a line is given, ends the reading, or is silent."""
    engine.detach()
    faults: list[Fault] = []
    engine.on_fault = faults.append
    (engine.chunks_path / "events.jsonl").write_text("1\nno\n2\n{\n")
    page = engine.log("events").read()
    assert [record.value for record in page] == [1, 2] and page.invalid == 2
    assert [fault.code for fault in faults] == ["invalid_json"]
    assert faults[0].chunk == "events" and "position 2" in faults[0]


def test_own_numbers(make_engine: Callable[..., SafeChunkEngine]) -> None:
    """Breaks when records are read by other rules than chunks."""
    log = make_engine(parse_float=str).log("events")
    log.append(1.5)
    assert log.tail(1) == ["1.5"] and list(log) == ["1.5"]
    with log.follow(0) as follower:
        assert next(follower) == "1.5"


# --- compact, rotate, remove, list


def test_compact(engine: SafeChunkEngine, log: Log) -> None:
    """Breaks when other records stay than those that shall, or an exception of the function
    removes some of them."""
    with pytest.raises(NotFoundError):
        log.compact(last=1)
    log.extend(range(10))
    log.compact(keep=lambda n: n % 2)
    assert list(log) == [1, 3, 5, 7, 9]

    def failing(n: int) -> bool:
        if n == 5:
            raise KeyError(n)
        return False

    with pytest.raises(KeyError):
        log.compact(keep=failing)
    assert list(log) == [1, 3, 5, 7, 9]
    log.append(11)
    with pytest.raises(ConflictError):  # the function must not use the log
        log.compact(keep=lambda n: log.append(n))
    log.compact(last=2)
    assert list(log) == [9, 11] and lines_of(engine) == ["9", "11"]
    with pytest.raises(TypeError):
        log.compact()  # type: ignore[call-overload]
    assert sorted(os.listdir(engine.chunks_path)) == ["events.jsonl"]


def test_compact_on_two_threads(log: Log) -> None:
    """Breaks when the records that stay are chosen before the compaction has the log."""
    for _ in range(20):
        log.extend(range(200))
        threads = [threading.Thread(target=log.compact, kwargs={"last": n}) for n in (100, 50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert list(log)[-50:] == list(range(150, 200))


def test_rotate_remove_and_list(engine: SafeChunkEngine, log: Log) -> None:
    """Breaks when rotation does not begin a new file, or a log is not listed."""
    with pytest.raises(NotFoundError):
        log.rotate()
    assert engine.list_logs() == []
    log.append(1)
    assert log.rotate() == "events.000001"
    assert log.append(22) == 0
    assert engine.list_logs() == [LogInfo("events", 3), LogInfo("events.000001", 2)]
    assert list(engine.log("events.000001")) == [1]
    log.remove()
    assert [info.name for info in engine.list_logs()] == ["events.000001"]
    with pytest.raises(NotFoundError):
        log.remove()
    assert repr(log) == "<Log 'events'>" and log.name == "events"
    assert "events" not in engine.list_chunks()


# --- following


def test_follow(engine: SafeChunkEngine, log: Log) -> None:
    """Breaks when a record is missed on the way, also across a rotation, or the position is not
    where to go on."""
    log.append("old")
    with log.follow() as follower:
        assert follower.next(0.01) is None
        log.append(None)
        assert follower.next(PATIENCE) == LogRecord(6, None)
        log.append("a")
        log.rotate()
        log.append("b")
        assert [next(follower), next(follower)] == ["a", "b"]
        assert follower.position == 4
        log.append("c")
    with log.follow(start=4, timeout=0.05) as again:
        assert list(again) == ["c"]
    with log.follow(0) as from_the_beginning:
        assert next(from_the_beginning) == "b"
    with pytest.raises(ConflictError):
        log.follow(1)


def test_follow_waits_for_the_log_and_ends_when_it_is_closed(
    engine: SafeChunkEngine, log: Log
) -> None:
    """Breaks when a log that is not there is an error, or a waiting thread is not woken."""
    follower = log.follow()
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.extend(follower))
    thread.start()
    log.append(1)
    deadline = time.monotonic() + PATIENCE
    while follower.position == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    follower.close()
    thread.join(PATIENCE)
    assert not thread.is_alive() and seen == [1]


def test_the_end_of_the_engine_closes_followers(base: Path) -> None:
    """Breaks when only watches are closed."""
    with SafeChunkEngine("project", base_dir=base) as engine:
        follower = engine.log("events").follow()
    assert list(follower) == []


def test_async_for(log: Log) -> None:
    """Breaks when the event loop is blocked, or a record is lost because a task was cancelled."""

    async def run() -> list[Any]:
        seen: list[Any] = []
        with log.follow(timeout=PATIENCE) as follower:
            waiting = asyncio.ensure_future(follower.__anext__())
            await asyncio.sleep(0.05)
            waiting.cancel()
            log.append(0)
            await asyncio.sleep(0.3)
            for n in range(1, 4):
                log.append(n)
            async for value in follower:
                seen.append(value)
                if value == 3:
                    break
        return seen

    assert asyncio.run(run()) == [0, 1, 2, 3]


def test_append_async_takes_the_copy_at_the_call(log: Log) -> None:
    """Breaks when the value is read when the append is awaited."""

    async def run() -> int:
        value = ["before"]
        later = log.append_async(value)
        value.append("after")
        position = await later
        await log.sync_async()
        return position

    assert asyncio.run(run()) == 0
    assert list(log) == [["before"]]


def test_ctrl_c_ends_a_follow(base: Path) -> None:
    """Breaks when the wait is one call of the core."""
    code = """
import sys
from safe_chunk_engine import SafeChunkEngine
log = SafeChunkEngine("project", base_dir=sys.argv[1]).log("events")
try:
    follower = log.follow()
    print("ready", flush=True)
    for value in follower:
        pass
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(base)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=PATIENCE)[0] == b"interrupted\n"


# --- LogHandler


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.Logger("app.part")
    yield logger
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError


def test_log_handler(engine: SafeChunkEngine, logger: logging.Logger) -> None:
    """Breaks when a field of the object is missing or wrong, or a value that JSON cannot hold
    loses the record."""
    logger.addHandler(LogHandler(engine, "app", level=logging.INFO))
    logger.debug("not this")
    logger.info("hello %s", "world")
    try:
        raise ValueError("bad")
    except ValueError:
        logger.exception("failed \ud800", extra={"user": 7, "odd": {1, 2}, "worse": Odd()})
    first, second = list(engine.log("app"))
    assert list(first) == ["time", "level", "logger", "message"]
    assert first["level"] == "INFO" and first["logger"] == "app.part"
    assert first["message"] == "hello world"
    assert first["time"].endswith("+00:00") and first["time"][10] == "T"
    assert second["message"] == "failed \\ud800"
    assert second["exception"].endswith("ValueError: bad")
    assert second["extra"]["user"] == 7 and second["extra"]["odd"] == "{1, 2}"
    assert "Odd" in second["extra"]["worse"]


def test_log_handler_never_raises(
    engine: SafeChunkEngine, logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    """Breaks when a failure reaches the application, or when nobody hears of it."""
    handler = LogHandler(engine.log("app"))
    logger.addHandler(handler)
    logger.info("%d", "no number")
    assert "TypeError" in capsys.readouterr().err
    logger.info("kept")
    engine.detach()
    logger.info("too late")
    assert "NotOwnerError" in capsys.readouterr().err
    faults: list[Fault] = []
    engine.on_fault = faults.append
    handler.flush()
    handler.close()
    assert capsys.readouterr().err == "" and faults == []
    assert [value["message"] for value in engine.log("app")] == ["kept"]
    with pytest.raises(TypeError):
        LogHandler(engine.log("app"), "name")


def test_log_handler_and_the_engines_own_messages(base: Path) -> None:
    """Breaks when a fault that the engine tells `logging` during an append comes back to the
    handler, and so on for ever; or when the end of the program is not quiet."""
    code = """
import logging, os, sys
from safe_chunk_engine import LogHandler, SafeChunkEngine
engine = SafeChunkEngine("project", base_dir=sys.argv[1])
logging.basicConfig(level=logging.DEBUG, handlers=[LogHandler(engine)])
logging.info("one")
with open(engine.chunks_path / "log.jsonl", "a") as file:
    file.write("no JSON\\n")
logging.info("two")
engine.detach()
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(base)], capture_output=True, text=True, timeout=PATIENCE
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = (base / "project" / "chunks" / "log.jsonl").read_text().splitlines()
    messages = [json.loads(line)["message"] for line in lines]
    assert messages == ["one", "two"]


def test_log_handler_flush_makes_durable(
    engine: SafeChunkEngine, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks when flush() does not sync."""
    synced: list[str] = []
    sync = Log.sync

    def spy(self: Log) -> None:
        synced.append(self.name)
        sync(self)

    monkeypatch.setattr(Log, "sync", spy)
    handler = LogHandler(engine)
    logger.addHandler(handler)
    logger.warning("x")
    handler.flush()
    assert synced == ["log"] and handler.log.tail(1)[0]["message"] == "x"
