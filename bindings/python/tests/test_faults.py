"""Each fault that was proven in the original engine, as a test of that name."""

from __future__ import annotations

import json
import math
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import NEVER, PATIENCE, run_python, write_long_ago
from safe_chunk_engine import (
    Fault,
    InvalidArgumentError,
    InvalidJsonError,
    InvalidNameError,
    InvalidTypeError,
    LostError,
    SafeChunkEngine,
)

Make = Callable[..., SafeChunkEngine]


def two_versions(engine: SafeChunkEngine) -> None:
    """c.json holds {"v": 2}, its backup {"v": 1}."""
    for version in (1, 2):
        engine.stage_update({"v": version}, "c")
        assert engine.force_sync()


def primary(engine: SafeChunkEngine) -> Path:
    return engine.chunks_path / "c.json"


def backup(engine: SafeChunkEngine) -> Path:
    return engine.backup_path / "c.bak"


def collect_faults(engine: SafeChunkEngine) -> list[Fault]:
    faults: list[Fault] = []
    engine.on_fault = faults.append
    return faults


# --- data


def test_heal_or_save_over_a_corrupt_primary_rotates_the_corrupt_bytes_over_the_good_backup(
    engine: SafeChunkEngine,
) -> None:
    two_versions(engine)
    write_long_ago(primary(engine), '{"v": ')
    assert engine.fetch_chunk("c") == {"v": 2}  # the newest good version, which is in memory
    assert json.loads(backup(engine).read_text()) == {"v": 1}
    write_long_ago(primary(engine), '{"v": ')
    engine.stage_update({"v": 3}, "c")
    assert engine.force_sync()
    assert json.loads(primary(engine).read_text()) == {"v": 3}
    assert json.loads(backup(engine).read_text()) == {"v": 1}
    kept = [path.read_text() for path in (engine.project_path / "quarantine").iterdir()]
    assert kept and set(kept) == {'{"v": '}


def test_fetch_ignores_staged_data_and_its_heal_overwrites_newer_staged_data(
    engine: SafeChunkEngine,
) -> None:
    two_versions(engine)
    engine.stage_update({"v": 3}, "c")
    assert engine.fetch_chunk("c") == {"v": 3}
    write_long_ago(primary(engine), "damaged")
    assert engine.fetch_chunk("c") == {"v": 3}
    assert engine.repair() is True
    assert engine.force_sync()
    assert engine.fetch_chunk("c") == {"v": 3}
    assert json.loads(primary(engine).read_text()) == {"v": 3}


def test_one_unserialisable_chunk_blocks_all_later_ones_for_ever(engine: SafeChunkEngine) -> None:
    engine.stage_update({"a": 1}, "a")
    with pytest.raises(InvalidTypeError):
        engine.stage_update({"bad": object()}, "b")
    engine.stage_update({"c": 1}, "c")
    assert engine.force_sync()
    assert sorted(os.listdir(engine.chunks_path)) == ["a.json", "c.json"]


def test_a_chunk_that_cannot_be_saved_does_not_hold_up_the_others(engine: SafeChunkEngine) -> None:
    (engine.chunks_path / "b.json").mkdir()
    faults = collect_faults(engine)
    for name in ("a", "b", "c"):
        assert engine.stage_update({"in": name}, name)
    assert engine.force_sync() is False
    assert (engine.chunks_path / "a.json").exists() and (engine.chunks_path / "c.json").exists()
    assert any(fault.chunk == "b" for fault in faults)
    assert engine.get_health_report()["pending_chunks"] == 1
    (engine.chunks_path / "b.json").rmdir()
    assert engine.force_sync() is True
    assert json.loads((engine.chunks_path / "b.json").read_text()) == {"in": "b"}


def test_identical_re_save_burns_the_backup(engine: SafeChunkEngine) -> None:
    two_versions(engine)
    for _ in range(3):
        engine.stage_update({"v": 2}, "c")
        assert engine.force_sync()
    assert json.loads(backup(engine).read_text()) == {"v": 1}


def test_debounce_starves_under_steady_edits(make_engine: Make) -> None:
    engine = make_engine(debounce_delay=0.15, max_delay=0.3)
    saved = threading.Event()
    engine.on_sync = saved.set
    deadline = time.monotonic() + PATIENCE
    number = 0
    while not saved.is_set() and time.monotonic() < deadline:
        engine.stage_update(number, "c")
        number += 1
        saved.wait(0.01)  # an edit each 10 ms postpones the debounce for ever
    assert saved.is_set()
    assert primary(engine).exists()


def test_everything_staged_dies_with_the_process(base: Path) -> None:
    code = """
import os, sys
from safe_chunk_engine import SafeChunkEngine
engine = SafeChunkEngine("project", 3600, sys.argv[1])
engine.stage_update({"v": 1}, "c")
os._exit(9)
"""
    assert run_python(code, base, check=False).returncode == 9
    with SafeChunkEngine("project", NEVER, base) as engine:
        assert engine.fetch_chunk("c") == {"v": 1}


def test_unreadable_is_treated_as_corrupt() -> None:
    # Root may read everything: the program becomes another user, who must reach the folder.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        unreadable_is_told_and_not_healed(Path(folder))


def unreadable_is_told_and_not_healed(base: Path) -> None:
    done = run_python(
        """
import os, sys
from safe_chunk_engine import PermissionDeniedError, SafeChunkEngine
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
engine = SafeChunkEngine("project", 3600, sys.argv[1])
for version in (1, 2):
    engine.stage_update({"v": version}, "c")
    engine.force_sync()
path = engine.chunks_path / "c.json"
path.chmod(0)
faults = []
engine.on_fault = faults.append
assert engine.fetch_chunk("c") is None
assert [fault.code for fault in faults] == ["permission_denied"], faults
engine._strict = True
try:
    engine.fetch_chunk("c")
    raise AssertionError
except PermissionDeniedError as error:
    assert isinstance(error, PermissionError)
path.chmod(0o600)
assert engine.fetch_chunk("c") == {"v": 2}  # nothing was healed over it
engine.detach()
print("done")
""",
        base,
    )
    assert done.stdout == "done\n"


def test_int_and_str_keys_collide_silently(engine: SafeChunkEngine) -> None:
    with pytest.raises(InvalidJsonError, match="same text"):
        engine.stage_update({1: "a", "1": "b"}, "c")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nan_is_written(engine: SafeChunkEngine, value: float) -> None:
    with pytest.raises(InvalidJsonError):
        engine.stage_update({"v": value}, "c")


def test_valid_json_corruption_is_not_seen(engine: SafeChunkEngine) -> None:
    two_versions(engine)
    if not engine.get_health_report()["stamps_supported"]:
        pytest.skip("this file system has no extended attributes")
    faults = collect_faults(engine)
    before = primary(engine).stat()
    with open(primary(engine), "r+b") as file:  # a digit rots: still JSON, and no edit
        bytes_ = file.read()
        file.seek(0)
        file.write(bytes_.replace(b"2", b"7"))
    os.utime(primary(engine), ns=(before.st_atime_ns, before.st_mtime_ns))
    engine.detach()
    engine.attach()  # what was read before is not remembered
    assert engine.fetch_chunk("c") == {"v": 1}
    assert any(fault.code == "healed" for fault in faults)


def test_total_loss_returns_an_empty_dict_with_no_fault(engine: SafeChunkEngine) -> None:
    two_versions(engine)
    engine.detach()
    engine.attach()  # nothing is in memory any more
    write_long_ago(primary(engine), "gone")
    backup(engine).write_text("gone too")
    faults = collect_faults(engine)
    assert engine.fetch_chunk("c") == {}
    assert any(fault.code == "lost" and fault.chunk == "c" for fault in faults)
    with pytest.raises(LostError):
        engine["c"]


# --- ownership


def test_lock_race(base: Path) -> None:
    code = """
import sys
from safe_chunk_engine import SafeChunkEngine
sys.stdin.readline()  # all at once
engine = SafeChunkEngine("project", 3600, sys.argv[1])
print(engine.is_active(), flush=True)
sys.stdin.readline()  # until all have tried
"""
    base.mkdir()
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(base)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for child in children:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()
    answers = [child.stdout.readline().strip() for child in children if child.stdout]
    for child in children:
        child.communicate("end\n", timeout=PATIENCE)
    assert sorted(answers) == ["False"] * 7 + ["True"]


@pytest.mark.parametrize("pid", [1, "own parent", "own"])
def test_pid_reuse_and_pid_1_lock_out_for_ever(base: Path, pid: object) -> None:
    number = {"own parent": os.getppid(), "own": os.getpid()}.get(str(pid), pid)
    project = base / "project"
    project.mkdir(parents=True)
    (project / ".lock").write_text(f"PID: {number}")
    # Written long before the process of that number began: by another process, which is gone.
    os.utime(project / ".lock", (1_000_000_000, 1_000_000_000))
    with SafeChunkEngine("project", NEVER, base) as engine:
        assert engine.is_active()
        kinds = [event["kind"] for event in engine.get_recovery_report()["events"]]
        assert "stale_lock" in kinds


def test_attach_on_a_live_engine_kills_it(engine: SafeChunkEngine) -> None:
    engine.stage_update({"v": 1}, "c")
    assert engine.attach() is True
    assert engine.is_active() and engine.is_dirty()
    assert engine.fetch_chunk("c") == {"v": 1}
    assert engine.force_sync()


def test_a_forked_child_frees_the_parents_lock(base: Path) -> None:
    done = run_python(
        """
import os, sys
from safe_chunk_engine import SafeChunkEngine
engine = SafeChunkEngine("project", 3600, sys.argv[1])
pid = os.fork()
if pid == 0:
    engine.detach()
    del engine
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
assert engine.lock_file.exists() and engine.is_active()
assert not SafeChunkEngine("project", 3600, sys.argv[1]).is_active()
print("kept")
""",
        base,
    )
    assert done.stdout == "kept\n"


def test_detach_removes_somebody_elses_lock(engine: SafeChunkEngine) -> None:
    engine.lock_file.unlink()
    engine.lock_file.write_text("PID: 4711")
    faults = collect_faults(engine)
    assert engine.detach() is False
    assert engine.lock_file.read_text() == "PID: 4711"
    assert any(fault.code == "not_owner" for fault in faults)
    engine.lock_file.unlink()


def test_a_non_owner_can_sync_and_prune(engine: SafeChunkEngine, base: Path) -> None:
    engine.stage_update({"v": 1}, "c")
    for label in ("one", "two"):
        engine.create_checkpoint(label)
    (engine.chunks_path / "foreign.caab5957.tmp").touch()
    before = {path: path.stat().st_mtime_ns for path in engine.project_path.rglob("*")}
    other = SafeChunkEngine("project", 0.0, base)
    assert not other.is_active()
    assert other.stage_update({"v": 2}, "c") is False
    assert other.force_sync() is False
    assert other.create_checkpoint("three", 1) is None
    assert other.restore_checkpoint(engine.list_checkpoints()[0]["filename"]) is False
    assert other.delete_chunk("c") is False
    assert other.repair() is False
    assert other.delete_project(confirmed=True) is False
    other.detach()
    assert {path: path.stat().st_mtime_ns for path in engine.project_path.rglob("*")} == before


def test_edits_accepted_during_detach_are_written_after_unlock(base: Path) -> None:
    for _ in range(20):
        engine = SafeChunkEngine("project", NEVER, base)
        accepted: list[int] = []
        started = threading.Event()

        def edit(to: SafeChunkEngine = engine) -> None:
            number = 0
            while to.stage_update(number, "c"):
                accepted.append(number)
                number += 1
                started.set()

        editor = threading.Thread(target=edit)
        editor.start()
        assert started.wait(PATIENCE)
        assert engine.detach() is True
        assert not engine.lock_file.exists()
        written = primary(engine).read_bytes()
        editor.join(PATIENCE)
        # What was accepted last was written before the lock went, and nothing after it.
        assert primary(engine).read_bytes() == written
        assert json.loads(written) == accepted[-1]


def test_callbacks_under_the_lock_deadlock(engine: SafeChunkEngine) -> None:
    heard: list[str] = []

    def on_status(text: str) -> None:
        heard.append(text)
        if len(heard) < 5:
            engine.stage_update({"heard": len(heard)}, "log")
            engine.fetch_chunk("log")
            engine.force_sync()
            engine.get_health_report()

    engine.on_status = on_status
    worker = threading.Thread(target=lambda: (engine.stage_update(1, "c"), engine.force_sync()))
    worker.start()
    worker.join(PATIENCE)
    assert not worker.is_alive()
    assert len(heard) >= 5


def test_exceptions_of_callbacks_lose_timers(
    make_engine: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", lambda found: None)
    engine = make_engine(debounce_delay=0.0, max_delay=0.0)
    called = threading.Semaphore(0)

    def on_sync() -> None:
        called.release()
        raise RuntimeError("of the application")

    engine.on_sync = on_sync
    for number in range(3):
        engine.stage_update(number, "c")
        assert called.acquire(timeout=PATIENCE)
    assert json.loads(primary(engine).read_text()) == 2


# --- paths and files


def test_relative_base_dir_and_chdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with SafeChunkEngine("project", NEVER, "data") as engine:
        os.chdir(tmp_path / "elsewhere")
        engine.stage_update({"v": 1}, "c")
        assert engine.force_sync()
        assert engine.create_checkpoint() is not None
    assert (tmp_path / "data" / "project" / "chunks" / "c.json").exists()
    assert os.listdir(tmp_path / "elsewhere") == []


@pytest.mark.parametrize("name", ["../up", "a/../../b", "/etc/x", "..", "a\\b", "c:d"])
def test_path_traversal_in_chunk_names_project_ids_and_labels(
    engine: SafeChunkEngine, base: Path, name: str
) -> None:
    for call in (
        lambda: engine.stage_update({}, name),
        lambda: engine.fetch_chunk(name),
        lambda: SafeChunkEngine(name, NEVER, base),
        lambda: engine.delete_checkpoint(name),
    ):
        with pytest.raises(InvalidNameError):
            call()
    if "/" in name:  # the path of an archive, of which there is none
        assert engine.restore_checkpoint(name) is False
    else:
        with pytest.raises(InvalidNameError):
            engine.restore_checkpoint(name)
    archive = engine.create_checkpoint(name)  # a label is any text; the file's name has what fits of it
    assert os.listdir(engine.checkpoint_path) == [archive]
    assert os.listdir(base) == ["project"]
    assert os.listdir(base.parent) == ["projects"]


def test_temp_files_follow_symlinks(engine: SafeChunkEngine, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    for name in ("c.024958e2.tmp", "c.json"):
        (engine.chunks_path / name).symlink_to(victim)
    (engine.backup_path / "c.bak").symlink_to(victim)
    engine.stage_update({"v": 1}, "c")
    engine.force_sync()
    engine.stage_update({"v": 2}, "c")
    engine.force_sync()
    engine.detach()
    assert victim.read_text() == "untouched"


def test_file_mode_lost(engine: SafeChunkEngine) -> None:
    two_versions(engine)
    primary(engine).chmod(0o640)
    engine.stage_update({"v": 3}, "c")
    assert engine.force_sync()
    assert stat.S_IMODE(primary(engine).stat().st_mode) == 0o640


def test_backup_truncated_in_place_and_never_fsynced_directories_never_fsynced(
    base: Path, tmp_path: Path
) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace")
    code = """
import sys
from safe_chunk_engine import SafeChunkEngine
engine = SafeChunkEngine("project", 3600, sys.argv[1])
for version in (1, 2):
    engine.stage_update({"v": version}, "c")
    engine.force_sync()
"""
    trace = tmp_path / "trace"
    calls = "trace=fsync,fdatasync,rename,renameat,renameat2,linkat,open,openat,truncate"
    done = subprocess.run(
        [strace, "-f", "-yy", "-e", calls, "-o", trace, sys.executable, "-c", code, base],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    if "ptrace" in done.stderr and not trace.stat().st_size:
        pytest.skip("tracing is not permitted here")
    assert done.returncode == 0, done.stderr
    lines = trace.read_text().splitlines()
    published = [i for i, line in enumerate(lines) if '"c.json"' in line and "rename" in line]
    assert len(published) == 2
    for at in published:
        before, after = lines[:at], lines[at + 1 :]
        assert any("fsync" in line and "/chunks/c.024958e2.tmp" in line for line in before)
        assert any("fsync" in line and line.rstrip().endswith("= 0") and "/chunks>" in line
                   for line in after)  # fmt: skip
    [rotated] = [i for i, line in enumerate(lines) if '"c.bak"' in line and "rename" in line]
    assert any("fsync" in line and "/chunks_bak>" in line for line in lines[rotated:])
    assert not any("c.bak" in line and ("O_TRUNC" in line or "truncate(" in line) for line in lines)


def test_stale_temp_files_stay(engine: SafeChunkEngine, base: Path) -> None:
    engine.detach()
    for folder, name in ((engine.chunks_path, "a.749b0e0d.tmp"), (engine.backup_path, "a.bak.013f16a4.tmp")):
        (folder / name).write_text("half")
    with SafeChunkEngine("project", NEVER, base) as again:
        assert os.listdir(again.chunks_path) == [] and os.listdir(again.backup_path) == []
        assert again.get_health_report()["orphaned_artifacts"] == 0


# --- checkpoints


def test_checkpoints_of_the_same_second_overwrite_each_other(engine: SafeChunkEngine) -> None:
    names = []
    for version in range(3):
        engine.stage_update({"v": version}, "c")
        names.append(engine.create_checkpoint("same"))
    assert len(set(names)) == 3
    for version, name in enumerate(names):
        assert name is not None
        with zipfile.ZipFile(engine.checkpoint_path / name) as archive:
            assert json.loads(archive.read("chunks/c.json")) == {"v": version}


def test_achieved_although_the_sync_failed(engine: SafeChunkEngine) -> None:
    (engine.chunks_path / "c.json").mkdir()
    engine.stage_update({"v": 1}, "c")
    said: list[str] = []
    engine.on_status = said.append
    faults = collect_faults(engine)
    assert engine.create_checkpoint() is None
    assert faults and not any("checkpoint" in text for text in said)
    assert os.listdir(engine.checkpoint_path) == []
    (engine.chunks_path / "c.json").rmdir()


def test_partial_zip_counts_as_newest(engine: SafeChunkEngine, base: Path) -> None:
    engine.stage_update({"v": 1}, "c")
    good = engine.create_checkpoint("good")
    assert good is not None
    # What a crash in the middle of a checkpoint leaves.
    (engine.checkpoint_path / (good + ".tmp")).write_bytes(b"PK\3\4 half of it")
    assert [item["filename"] for item in engine.list_checkpoints()] == [good]
    engine.create_checkpoint("next", retention=2)
    assert {item["label"] for item in engine.list_checkpoints()} == {"good", "next"}
    engine.detach()
    with SafeChunkEngine("project", NEVER, base) as again:
        # It does not carry the mark of this engine's temporary files: it stays, and counts for nothing.
        assert (again.checkpoint_path / (good + ".tmp")).exists()


@pytest.mark.parametrize("retention", [0, -1])
def test_retention_0_and_negative(engine: SafeChunkEngine, retention: int) -> None:
    kept = engine.create_checkpoint("kept")
    with pytest.raises(InvalidArgumentError):
        engine.create_checkpoint("x", retention)
    assert os.listdir(engine.checkpoint_path) == [kept]


def test_retention_and_foreign_zips(engine: SafeChunkEngine) -> None:
    foreign = engine.checkpoint_path / "holiday.zip"
    foreign.write_bytes(b"mine")
    os.utime(foreign, (1, 1))  # the oldest
    for label in ("a", "b"):
        engine.create_checkpoint(label, retention=1)
    assert foreign.read_bytes() == b"mine"
    assert [item["label"] for item in engine.list_checkpoints()] == ["b"]


def test_retention_and_clock_skew(engine: SafeChunkEngine) -> None:
    first = engine.create_checkpoint("from_the_future")
    assert first is not None
    future = first[: -len("20260101_000000.zip")] + "29990101_000000.zip"
    os.rename(engine.checkpoint_path / first, engine.checkpoint_path / future)
    newest = engine.create_checkpoint("now", retention=1)
    # The one that was just made is never the one that goes.
    assert newest in os.listdir(engine.checkpoint_path)
    for name in os.listdir(engine.checkpoint_path):
        os.utime(engine.checkpoint_path / name, (1, 1))
    last = engine.create_checkpoint("later", retention=1)
    assert last in os.listdir(engine.checkpoint_path)


def test_checkpoint_mixes_generations(make_engine: Make) -> None:
    engine = make_engine()
    chunks = [f"c{number}" for number in range(20)]

    def commit(generation: int) -> None:
        with engine.transaction() as transaction:
            for chunk in chunks:
                transaction[chunk] = generation

    commit(0)
    stop = threading.Event()

    def edit() -> None:
        generation = 1
        while not stop.is_set():
            commit(generation)
            generation += 1

    editor = threading.Thread(target=edit)
    editor.start()
    names = [engine.create_checkpoint("consistent") for _ in range(5)]
    stop.set()
    editor.join(PATIENCE)
    for name in names:
        assert name is not None
        with zipfile.ZipFile(engine.checkpoint_path / name) as archive:
            found: set[Any] = {json.loads(archive.read(f"chunks/{chunk}.json")) for chunk in chunks}
        assert len(found) == 1


def test_every_fault_of_the_list_has_a_test() -> None:
    """The list of faults, shortened to what tells them apart, against the names here."""
    faults = [
        "corrupt_primary_rotates", "fetch_ignores_staged", "one_unserialisable_chunk",
        "identical_re_save", "debounce_starves", "everything_staged_dies", "unreadable_is_treated",
        "int_and_str_keys_collide", "nan_is_written", "valid_json_corruption", "total_loss",
        "lock_race", "pid_reuse_and_pid_1", "attach_on_a_live_engine", "forked_child_frees",
        "detach_removes_somebody_elses", "non_owner_can_sync", "edits_accepted_during_detach",
        "callbacks_under_the_lock", "exceptions_of_callbacks", "relative_base_dir",
        "path_traversal", "temp_files_follow_symlinks", "file_mode_lost",
        "backup_truncated_in_place", "stale_temp_files", "same_second", "achieved_although",
        "partial_zip", "retention_0", "foreign_zips", "clock_skew", "mixes_generations",
    ]  # fmt: skip
    tests = [name for name in globals() if name.startswith("test_")]
    assert [fault for fault in faults if not any(fault in test for test in tests)] == []

