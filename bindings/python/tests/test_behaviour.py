"""What a Python user expects: errors, strictness, handlers, mapping, threads."""

from __future__ import annotations

import asyncio
import copy
import errno
import gc
import inspect
import logging
import os
import pickle
import shutil
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safe_chunk_engine
from conftest import NEVER, PATIENCE, write_long_ago
from safe_chunk_engine import (
    CancelledError,
    Fault,
    HealedError,
    InvalidArgumentError,
    InvalidEditError,
    InvalidNameError,
    LockedError,
    NotFoundError,
    NotOwnerError,
    PermissionDeniedError,
    SafeChunkEngine,
    SafeChunkError,
    _core,
    errors,
)

Make = Callable[..., SafeChunkEngine]


# --- mistakes at the call


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "nul", "a\0b", "x.", "\ud800", "é" * 101])
def test_bad_names_are_value_errors(engine: SafeChunkEngine, name: str) -> None:
    for call in (
        lambda: engine.stage_update({}, name),
        lambda: engine.fetch_chunk(name),
        lambda: engine.delete_chunk(name),
        lambda: engine[name],
        lambda: SafeChunkEngine(name, base_dir=engine.root_dir),
    ):
        with pytest.raises(InvalidNameError) as raised:
            call()
        assert isinstance(raised.value, ValueError)
    assert engine.fetch_chunk("other") == {}


def test_bad_arguments(engine: SafeChunkEngine, base: Path) -> None:
    untyped: Any = engine
    for call in (
        lambda: untyped.stage_update({}, 1),
        lambda: untyped.fetch_chunk(None),
        lambda: untyped.create_checkpoint("x", retention="notes"),
        lambda: untyped.create_checkpoint("x", 1.5),
        lambda: untyped.create_checkpoint("x", keep=1),
        lambda: SafeChunkEngine(b"x"),  # type: ignore[arg-type]
        lambda: SafeChunkEngine("x", "1"),  # type: ignore[arg-type]
        lambda: SafeChunkEngine("x", base_dir=b"bytes"),  # type: ignore[arg-type]
        lambda: setattr(untyped, "on_fault", "print"),
    ):
        with pytest.raises(TypeError):
            call()
    for call in (
        lambda: engine.create_checkpoint("x", 0),
        lambda: engine.create_checkpoint("x", -1),
        lambda: SafeChunkEngine("x", -1, base),
        lambda: SafeChunkEngine("x", float("nan"), base),
        lambda: SafeChunkEngine("x", base_dir=base, indent=17),
        lambda: SafeChunkEngine("x", base_dir=base, depth_limit=2_000_000),
        lambda: SafeChunkEngine("x", base_dir=base, durability="none"),  # type: ignore[arg-type]
    ):
        with pytest.raises(InvalidArgumentError):
            call()
    assert os.listdir(base) == ["project"]


# --- trouble of the environment


def test_trouble_is_told_and_not_raised(engine: SafeChunkEngine, base: Path) -> None:
    reader = SafeChunkEngine("project", base_dir=base)
    faults: list[Fault] = []
    reader.on_fault = faults.append
    assert [fault.code for fault in faults] == ["locked"]  # of the constructor
    assert reader.stage_update({}, "c") is False
    assert reader.force_sync() is False
    assert reader.create_checkpoint() is None
    assert reader.attach() is False
    assert [fault.code for fault in faults[1:]] == ["not_owner"] * 3 + ["locked"]
    assert reader.delete_chunk("c") is False
    assert all(isinstance(fault, str) and fault.startswith(fault.code) for fault in faults)
    assert reader.detach() is True


def test_strict_raises_by_code(engine: SafeChunkEngine, base: Path) -> None:
    with pytest.raises(LockedError, match="this process has it open already"):
        SafeChunkEngine("project", base_dir=base, strict=True)
    strict = SafeChunkEngine("strict", NEVER, base, strict=True)
    faults: list[Fault] = []
    strict.on_fault = faults.append
    with pytest.raises(NotFoundError):
        strict.delete_chunk("absent")
    strict.stage_update(1, "c")
    strict.force_sync()
    write_long_ago(strict.chunks_path / "c.json", "{")
    with pytest.raises((HealedError, InvalidEditError)) as raised:
        strict.fetch_chunk("c")
    assert raised.value.chunk == "c"
    strict.detach()
    with pytest.raises(NotOwnerError):
        strict.stage_update(1, "c")
    with pytest.raises(NotFoundError):
        SafeChunkEngine("absent", base_dir=base, strict=True, read_only=True)
    # on_fault has heard of each of them once.
    assert sum(fault.error.code == "not_owner" for fault in faults) == 1
    assert any(fault.code in ("healed", "invalid_edit") for fault in faults)


def test_exceptions_mirror_the_codes() -> None:
    codes = {
        error.code
        for error in vars(safe_chunk_engine).values()
        if inspect.isclass(error) and issubclass(error, SafeChunkError)
    }
    assert codes - {"unknown"} == set(_core.error_codes) - {"ok"}
    for code in codes - {"unknown"}:
        assert errors.make_error(code, "", "", "", 0, 0, 0, 0, False).code == code
    made = errors.make_error("invalid_json", "", "", "", 0, 0, 0, 0, False)
    assert type(made) is errors.InvalidJsonError


def test_classes_of_the_application_leave_the_codes_alone() -> None:
    class MyLockedError(LockedError):
        code = "locked"

    made = errors.make_error("locked", "", "", "", 0, 0, 0, 0, False)
    assert type(made) is LockedError
    assert MyLockedError("x").code == "locked"


def test_errors_of_the_system_are_os_errors(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SafeChunkError) as raised:
        SafeChunkEngine("project", base_dir=tmp_path / "file", strict=True)
    assert isinstance(raised.value, OSError)
    assert raised.value.errno == raised.value.os_errno == errno.ENOTDIR
    assert "file" in str(raised.value)
    assert issubclass(PermissionDeniedError, PermissionError)


# --- handlers


def test_what_handlers_raise_goes_to_the_unraisable_hook(
    engine: SafeChunkEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    caught: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda found: caught.append(found.exc_value))

    def boom(*_: object) -> None:
        raise RuntimeError("boom")

    engine.on_status = engine.on_sync = boom
    assert engine.stage_update(1, "c")
    assert engine.force_sync() is True
    assert {str(error) for error in caught} == {"boom"}
    engine.on_status = engine.on_sync = None
    assert engine.get_health_report()["failed_commits"] == 0


def test_handlers_may_use_and_replace_and_detach(engine: SafeChunkEngine) -> None:
    found: list[Any] = []

    def on_sync() -> None:
        found.append(engine.fetch_chunk("c"))
        engine.on_sync = None
        engine.stage_update(2, "c")
        engine.force_sync()
        found.append(engine.detach())

    engine.on_sync = on_sync
    engine.stage_update(1, "c")
    engine.force_sync()
    assert found == [1, True]
    assert engine.fetch_chunk("c") == 2
    assert not engine.is_active()


def test_handlers_run_on_the_thread_that_did_the_work(make_engine: Make) -> None:
    engine = make_engine(debounce_delay=0.0, max_delay=0.0)
    heard = threading.Event()
    threads: list[int] = []

    def on_sync() -> None:
        threads.append(threading.get_ident())
        heard.set()

    engine.on_sync = on_sync
    engine.stage_update(1, "c")
    assert heard.wait(PATIENCE)
    assert threads[0] != threading.get_ident()  # the worker
    assert engine.fetch_chunk("c") == 1


def test_logging_bridge(engine: SafeChunkEngine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="safe_chunk_engine")
    engine.stage_update(1, "c")
    engine.force_sync()
    write_long_ago(engine.chunks_path / "c.json", "{")
    engine.fetch_chunk("c")
    levels = {record.levelno for record in caplog.records if record.name == "safe_chunk_engine"}
    assert levels == {logging.DEBUG, logging.WARNING}
    assert "project: saved 1 chunk" in caplog.messages


def test_progress_cancels_and_raises(engine: SafeChunkEngine) -> None:
    engine.stage_update(1, "c")
    steps: list[tuple[int, int]] = []
    name = engine.create_checkpoint(progress=lambda done, total: steps.append((done, total)))
    assert name is not None and steps and steps[-1][0] <= steps[-1][1]
    assert engine.create_checkpoint(progress=lambda done, total: False) is None
    assert engine.restore_checkpoint(name, progress=lambda done, total: False) is False
    with pytest.raises(ZeroDivisionError):
        engine.verify(progress=lambda done, total: 1 // 0)
    engine._strict = True
    with pytest.raises(CancelledError):
        engine.create_checkpoint(progress=lambda done, total: False)
    assert engine.verify_checkpoint(name) is True
    assert engine.delete_checkpoint(name) is True
    assert engine.list_checkpoints() == []


# --- Python's own ways


def test_context_manager_detaches(base: Path) -> None:
    with SafeChunkEngine("project", NEVER, base) as engine:
        engine.stage_update({"a": 1}, "c")
    assert not engine.is_active()
    assert (base / "project" / "chunks" / "c.json").exists()
    with pytest.raises(ZeroDivisionError):
        with SafeChunkEngine("project", NEVER, base) as engine:
            engine.stage_update({"a": 2}, "c")
            1 // 0
    assert engine.fetch_chunk("c") == {"a": 2}


def test_mapping(engine: SafeChunkEngine) -> None:
    assert len(engine) == 0 and list(engine) == [] and bool(engine) is True
    engine["users"] = {"name": "Alice"}
    engine["null"] = None
    assert engine["users"] == {"name": "Alice"}
    assert engine["null"] is None
    assert sorted(engine) == list(engine.keys()) == ["null", "users"]
    assert dict(engine) == {"null": None, "users": {"name": "Alice"}}
    assert "users" in engine and "other" not in engine and 1 not in engine
    with pytest.raises(KeyError, match="other"):
        engine["other"]
    with pytest.raises(KeyError, match="other"):
        del engine["other"]
    del engine["users"]
    assert len(engine) == 1
    engine.detach()
    with pytest.raises(NotOwnerError):
        engine["users"] = 1


def test_transactions(engine: SafeChunkEngine) -> None:
    engine["a"] = 10
    with engine.transaction() as transfer:
        transfer.stage(9, "a")
        transfer["b"] = 1
        del transfer["absent"]
        assert engine["a"] == 10
    assert (engine["a"], engine["b"]) == (9, 1)
    assert (engine.chunks_path / "b.json").exists()  # durable
    with pytest.raises(ZeroDivisionError):
        with engine.transaction() as transfer:
            transfer["a"] = 0
            1 // 0
    assert engine["a"] == 9
    with pytest.raises(TypeError, match="set"):
        with engine.transaction() as transfer:
            transfer["a"] = 0
            transfer["b"] = {1}
    assert (engine["a"], engine["b"]) == (9, 1)
    pending = engine.transaction()
    pending["a"] = 1
    engine.detach()
    with pytest.raises(NotOwnerError):
        pending.commit()


# Kills: two threads inside one transaction without the GIL, which end the interpreter; refusing a
# handler that commit() calls.
def test_a_transaction_is_for_one_thread_at_a_time(engine: SafeChunkEngine) -> None:
    shared = engine.transaction()
    shared["a"] = 1
    met: list[Exception] = []

    def other() -> None:
        try:
            shared["b"] = 1
        except InvalidArgumentError as error:
            met.append(error)

    def on_sync() -> None:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        shared["c"] = 1

    engine.on_sync = on_sync
    shared.commit()
    engine.on_sync = None
    assert len(met) == 1
    shared.commit()
    assert engine.list_chunks() == ["a", "c"]
    other()
    assert len(met) == 1


def test_os_pathlike_and_relative_base_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Here:
        def __fspath__(self) -> str:
            return str(tmp_path / "päth")

    with SafeChunkEngine("p", base_dir=Here()) as engine:
        assert engine.root_dir == tmp_path / "päth"
    undecodable = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    with SafeChunkEngine("p", base_dir=undecodable) as engine:
        engine["c"] = 1
        assert engine.force_sync()
        assert os.listdir(engine.chunks_path) == ["c.json"]


def test_pickling_and_copying_are_refused(engine: SafeChunkEngine) -> None:
    for call in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="engine cannot be"):
            call(engine)


def test_everything_public_has_a_docstring() -> None:
    public = [
        (f"{owner.__name__}.{name}", member)
        for owner in (SafeChunkEngine, safe_chunk_engine.Transaction, Fault)
        for kind in owner.__mro__
        if kind.__module__.startswith("safe_chunk_engine")
        for name, member in vars(kind).items()
        if not name.startswith("_") and (callable(member) or isinstance(member, property))
    ]
    assert len(public) > 50
    assert [name for name, member in public if not inspect.getdoc(member)] == []


def test_reports_have_the_types_that_the_documents_name(engine: SafeChunkEngine) -> None:
    engine["a"] = 1
    engine.force_sync()
    name = engine.create_checkpoint(notes="two\nlines")
    health = engine.get_health_report()
    owner = engine.owner
    assert owner is not None and health.pop("owner") == owner
    assert {key: type(value) for key, value in owner.items()} == {
        "pid": int, "host": str, "boot_id": str, "process_started": float, "since": float,
    }  # fmt: skip
    assert {key: type(value) for key, value in health.items()} == {
        "engine_active": bool, "dirty_buffer": bool, "storage_usage": float,
        "orphaned_artifacts": int, "shards": int, "pending_chunks": int,
        "last_sync_unix_time": float, "last_sync_duration_ms": float, "last_error": str,
        "failed_commits": int, "retries": int, "heals": int, "quarantine_files": int,
        "journal_bytes": int, "bytes_written": int, "stamps_supported": bool, "weakened": list,
        "active": bool, "project": str, "root_path": str, "shards_count": int,
        "backups_count": int, "checkpoints_count": int, "pending_syncs": int, "dirty_chunks": int,
        "chunk_count": int, "checkpoint_count": int, "wal_exists": bool,
    }  # fmt: skip
    assert engine.get_recovery_report() == {"clean": True, "events": []}
    (checkpoint,) = engine.list_checkpoints()
    assert list(checkpoint) == [
        "filename", "label", "date", "notes", "size", "number", "keep", "unix_time",
    ]  # fmt: skip
    assert (checkpoint["number"], checkpoint["keep"]) == (1, False)
    assert (checkpoint["filename"], checkpoint["notes"]) == (name, "two\nlines")
    verdict = engine.verify()
    assert verdict["sound"] is True
    assert {"path": "chunks/a.json", "state": "good", "detail": ""} in verdict["files"]


@pytest.mark.parametrize("label", ["", "..", "a/b", "two\nlines", "nul", "x.", "é" * 500])
def test_any_text_is_a_label(engine: SafeChunkEngine, label: str) -> None:
    name = engine.create_checkpoint(label)
    (checkpoint,) = engine.list_checkpoints()
    assert (checkpoint["filename"], checkpoint["label"]) == (name, label)
    assert os.listdir(engine.checkpoint_path) == [name]


@pytest.mark.parametrize("label", ["a\0b", "\ud800", "é" * 501])
def test_some_text_is_no_label(engine: SafeChunkEngine, label: str) -> None:
    with pytest.raises(InvalidNameError):
        engine.create_checkpoint(label)


def test_pinned_checkpoints_stay(engine: SafeChunkEngine) -> None:
    engine["a"] = 1
    pinned = engine.create_checkpoint("pinned", 1, keep=True)
    statuses: list[str] = []
    engine.on_status = statuses.append
    first = engine.create_checkpoint("first", "with notes", 1)
    engine.create_checkpoint("second", 1)
    found = engine.list_checkpoints()
    assert [item["label"] for item in found] == ["second", "pinned"]
    assert [item["keep"] for item in found] == [False, True]
    assert [item["number"] for item in found] == [3, 1]
    assert found[1]["filename"] == pinned
    assert f"checkpoint {first} removed by retention" in statuses
    assert pinned is not None and engine.delete_checkpoint(pinned)


def test_a_chunk_that_cannot_be_archived_is_left_out_and_reported(engine: SafeChunkEngine) -> None:
    engine["a"] = 1
    engine.force_sync()
    (engine.chunks_path / "b.json").mkdir()
    faults: list[Fault] = []
    engine.on_fault = faults.append
    name = engine.create_checkpoint()
    assert name is not None and [fault.chunk for fault in faults] == ["b"]
    engine["a"] = 2
    (engine.chunks_path / "b.json").rmdir()
    assert engine.restore_checkpoint(name) and engine["a"] == 1


def test_health_names_errors_in_folders_that_are_not_utf8(tmp_path: Path) -> None:
    undecodable = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    with SafeChunkEngine("p", NEVER, undecodable) as engine:
        engine["c"] = 1
        shutil.rmtree(engine.chunks_path)
        engine.chunks_path.touch()
        assert not engine.force_sync()
        assert "\ufffd/p" in engine.get_health_report()["last_error"]


def test_cycles_through_handlers_are_collected(base: Path) -> None:
    class Window:
        def __init__(self) -> None:
            self.engine = SafeChunkEngine("project", NEVER, base)
            self.engine.on_fault = self.engine.on_status = self.show

        def show(self, text: str) -> None:
            self.text = text

    window = Window()
    window.engine.stage_update(1, "c")
    gone = weakref.ref(window)
    del window
    gc.collect()
    assert gone() is None
    assert (base / "project" / "chunks" / "c.json").exists()
    assert not (base / "project" / ".lock").exists()


def test_dropping_the_last_reference_saves(base: Path) -> None:
    SafeChunkEngine("project", NEVER, base).stage_update(1, "c")
    assert (base / "project" / "chunks" / "c.json").exists()
    assert not (base / "project" / ".lock").exists()


# --- threads


def test_threads_share_an_engine(make_engine: Make) -> None:
    engine = make_engine(debounce_delay=0.0, max_delay=0.0)
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for value in range(50):
                assert engine.stage_update({"n": value}, f"c{number}")
                assert engine.fetch_chunk(f"c{number}")["n"] == value
                if value % 10 == 0:
                    assert engine.force_sync()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert failed == []
    assert engine.detach()
    assert [engine[f"c{number}"] for number in range(8)] == [{"n": 49}] * 8


def test_waiting_for_the_disk_lets_other_threads_run(engine: SafeChunkEngine) -> None:
    engine.stage_update(1, "c")
    ran = threading.Event()

    def progress(done: int, total: int) -> None:
        # Only another thread can set it, and it can only run when the GIL is free meanwhile.
        assert ran.wait(PATIENCE)

    other = threading.Thread(target=ran.set)
    starter = threading.Timer(0, other.start)
    starter.start()
    assert engine.create_checkpoint(progress=progress) is not None
    starter.join()
    other.join()


# --- reading beside an owner


def test_read_only_beside_the_owner(engine: SafeChunkEngine, base: Path) -> None:
    engine["c"] = 1
    engine.force_sync()
    before = sorted(os.listdir(base / "project"))
    with SafeChunkEngine("project", base_dir=base, read_only=True) as reader:
        assert reader["c"] == 1
        assert reader.owner is None
        assert not reader.is_active()
        assert reader.stage_update(2, "c") is False
    owner = engine.owner
    assert owner is not None and owner["pid"] == os.getpid()
    assert sorted(os.listdir(base / "project")) == before


def test_unlock_project(engine: SafeChunkEngine, base: Path) -> None:
    with pytest.raises(LockedError):
        SafeChunkEngine.unlock_project("project", base, force=True)
    engine.detach()
    (base / "project" / ".lock").write_text(f"PID: {os.getppid()}")
    with pytest.raises(LockedError):
        SafeChunkEngine.unlock_project("project", base)
    SafeChunkEngine.unlock_project("project", base, force=True)
    assert not (base / "project" / ".lock").exists()


def test_an_archive_beside_the_owner(
    engine: SafeChunkEngine, make_engine: Make, base: Path, tmp_path: Path
) -> None:
    """Kills: an export that needs the lock, takes what is only staged, overwrites, or cannot be
    restored into another project."""
    engine["a"] = {"saved": 1}
    assert engine.force_sync()
    engine["a"] = {"saved": 2}
    reader = make_engine(read_only=True)
    folder = tmp_path / "b\udcff\u00fc"  # not Unicode
    folder.mkdir()
    beside, own = folder / "beside.zip", folder / "own.zip"
    assert reader.export_archive(beside, notes="two\nlines")
    assert asyncio.run(engine.export_archive_async(str(own), label="mine"))
    assert reader.export_archive(beside) is False  # nothing is overwritten
    assert sorted(os.listdir(folder)) == ["beside.zip", "own.zip"]
    assert reader.verify_checkpoint(beside) and reader.verify_checkpoint(str(own))
    other = make_engine("other")
    assert other.restore_checkpoint(beside) and other["a"] == {"saved": 1}
    assert other.restore_checkpoint(zip_name=str(own)) and other["a"] == {"saved": 2}
    assert other.export_archive(folder / "x.zip", progress=lambda done, total: False) is False
    assert not (folder / "x.zip").exists()
    name = reader.create_checkpoint()
    assert name in [item["filename"] for item in engine.list_checkpoints()]
    for path in ("", 7, "a\0b"):
        with pytest.raises((TypeError, InvalidNameError)):
            other.export_archive(path)  # type: ignore[arg-type]
