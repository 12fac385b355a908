"""The original's README and the names of its next version: its users change one line at most."""

from __future__ import annotations

import inspect
import json
import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import safe_chunk_engine
import safechunk_engine
from conftest import NEVER, PATIENCE, write_long_ago
from safe_chunk_engine import (
    Fault,
    HealedError,
    InvalidArgumentError,
    InvalidEditError,
    InvalidJsonError,
    InvalidNameError,
    NotFoundError,
    SafeChunkEngine,
)


def test_both_module_names_give_the_same_class() -> None:
    assert safechunk_engine.SafeChunkEngine is SafeChunkEngine
    assert set(safechunk_engine.__all__) == set(safe_chunk_engine.__all__)


# --- its first version


def test_quick_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    engine = SafeChunkEngine("my_project")
    engine.stage_update({"name": "Alice"}, "users")
    engine.force_sync()
    data = engine.fetch_chunk("users")
    assert data == {"name": "Alice"}
    engine.detach()
    written = (tmp_path / "my_project" / "chunks" / "users.json").read_text()
    assert written == json.dumps({"name": "Alice"}, indent=4) + "\n"
    assert not (tmp_path / "my_project" / ".lock").exists()


def test_constructor_by_position_and_by_keyword(tmp_path: Path) -> None:
    parameters = list(inspect.signature(SafeChunkEngine).parameters.values())
    assert [(p.name, p.default) for p in parameters[:3]] == [
        ("project_id", inspect.Parameter.empty),
        ("debounce_delay", 1.0),
        ("base_dir", None),
    ]
    for engine in (
        SafeChunkEngine("a", 2.5, str(tmp_path)),
        SafeChunkEngine(project_id="b", debounce_delay=2.5, base_dir=tmp_path),
    ):
        assert engine.is_active() is True
        assert engine.debounce_delay == 2.5
        engine.detach()
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_application_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    engine = SafeChunkEngine("crm_system")
    for generation in (1, 2):
        engine.stage_update({"users": generation}, "users")
        engine.stage_update(data={"settings": generation}, chunk_name="settings")
        engine.stage_update({"logs": generation}, "logs")
        engine.force_sync()
    name = engine.create_checkpoint("daily_backup")
    engine.detach()
    root = tmp_path / "crm_system"
    assert sorted(os.listdir(root / "chunks")) == ["logs.json", "settings.json", "users.json"]
    assert sorted(os.listdir(root / "chunks_bak")) == ["logs.bak", "settings.bak", "users.bak"]
    assert os.listdir(root / "checkpoints") == [name]
    assert name is not None and name.startswith("checkpoint_daily_backup_")


def test_paths_are_pathlib_paths(engine: SafeChunkEngine, base: Path) -> None:
    assert engine.root_dir == base
    project = base / "project"
    assert engine.project_path == project
    assert engine.chunks_path == project / "chunks"
    assert engine.backup_path == project / "chunks_bak"
    assert engine.checkpoint_path == project / "checkpoints"
    assert engine.lock_file == project / ".lock"
    assert all(
        isinstance(path, Path)
        for path in (engine.root_dir, engine.project_path, engine.chunks_path, engine.lock_file)
    )
    assert engine.project_id == "project"


def test_health_report_has_the_original_keys(engine: SafeChunkEngine) -> None:
    engine.stage_update({}, "a")
    report = engine.get_health_report()
    assert report["engine_active"] is True
    assert report["dirty_buffer"] is True
    assert 0 < report["storage_usage"] <= 100
    assert report["orphaned_artifacts"] == 0
    assert report["shards"] == 0
    engine.force_sync()
    (engine.chunks_path / "left.tmp").touch()
    report = engine.get_health_report()
    assert (report["dirty_buffer"], report["shards"], report["orphaned_artifacts"]) == (False, 1, 1)


def test_retention_keeps_the_latest(engine: SafeChunkEngine) -> None:
    names = [engine.create_checkpoint(label="auto", retention=2) for _ in range(4)]
    assert len(set(names)) == 4
    assert sorted(os.listdir(engine.checkpoint_path)) == sorted(filter(None, names[2:]))


def test_callbacks_are_attributes_set_after_construction(engine: SafeChunkEngine) -> None:
    heard: list[str] = []
    assert engine.on_status is None and engine.on_sync is None and engine.on_fault is None
    engine.on_status = lambda msg: heard.append(f"status {msg}")
    engine.on_sync = lambda: heard.append("sync")
    engine.stage_update({"a": 1}, "c")
    engine.force_sync()
    assert "sync" in heard
    assert any(line.startswith("status ") for line in heard)
    engine.detach()
    engine.attach()  # nothing is in memory any more
    write_long_ago(engine.chunks_path / "c.json", "{")
    engine.on_fault = lambda error_message: heard.append("fault " + error_message)
    assert engine.fetch_chunk("c") == {}
    assert any(line.startswith("fault lost") for line in heard)


def test_missing_chunk_is_an_empty_dict(engine: SafeChunkEngine) -> None:
    assert engine.fetch_chunk("nothing") == {}


def test_detach_is_idempotent_and_attach_claims_again(engine: SafeChunkEngine) -> None:
    engine.detach()
    engine.detach()
    assert engine.is_active() is False
    engine.attach()
    assert engine.is_active() is True


def test_second_instance_is_inactive(engine: SafeChunkEngine, base: Path) -> None:
    engine.stage_update({"a": 1}, "c")
    engine.force_sync()
    second = SafeChunkEngine("project", NEVER, base)
    assert second.is_active() is False
    assert second.fetch_chunk("c") == {"a": 1}
    assert second.stage_update({"a": 2}, "c") is False
    second.detach()
    assert engine.is_active() is True
    assert engine.lock_file.exists()


# --- its next version


def test_new_never_takes_a_project_that_exists(tmp_path: Path) -> None:
    engines = []
    for _ in range(3):
        engine, reason = SafeChunkEngine.new("demo", base_dir=str(tmp_path), debounce_delay=1.5)
        assert engine is not None and reason == "SUCCESS"
        engines.append(engine)
    assert [engine.project_id for engine in engines] == ["demo", "demo_1", "demo_2"]
    assert SafeChunkEngine.list_all_projects(tmp_path) == ["demo", "demo_1", "demo_2"]
    for engine in engines:
        engine.detach()


def test_new_and_open_use_user_projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert SafeChunkEngine.list_all_projects() == []
    engine, reason = SafeChunkEngine.new()
    assert engine is not None, reason
    assert engine.project_path == tmp_path / "user_projects" / "new_project"
    engine.detach()
    assert SafeChunkEngine.list_all_projects() == ["new_project"]
    again, reason = SafeChunkEngine.open("new_project")
    assert again is not None and reason == "SUCCESS"
    again.detach()


def test_new_and_open_tell_the_reason(tmp_path: Path) -> None:
    assert SafeChunkEngine.open("absent", tmp_path) == (None, "PROJECT_NOT_FOUND")
    assert os.listdir(tmp_path) == []
    engine, _ = SafeChunkEngine.new("held", tmp_path)
    assert engine is not None
    reason = SafeChunkEngine.open("held", tmp_path)
    assert reason == (None, "PROJECT_ALREADY_OPEN_IN_ANOTHER_PROCESS")
    engine.detach()
    nothing, reason_text = SafeChunkEngine.open("../up", tmp_path)
    assert nothing is None and reason_text.startswith("OPEN_ERROR: invalid_name")
    nothing, reason_text = SafeChunkEngine.new("a/b", tmp_path)
    assert nothing is None and reason_text.startswith("FAILED_TO_CREATE: invalid_name")
    (tmp_path / "file").touch()
    nothing, reason_text = SafeChunkEngine.new("x", tmp_path / "file")
    assert nothing is None and reason_text.startswith("FAILED_TO_CREATE: ")


def test_checkpoints_are_listed_and_restored(engine: SafeChunkEngine) -> None:
    engine.stage_update({"v": 1}, "c")
    first = engine.create_checkpoint(label="one", notes="the first", retention=5)
    engine.stage_update({"v": 2}, "c")
    engine.stage_update({}, "new")
    assert first is not None
    [listed] = engine.list_checkpoints()
    assert listed["filename"] == first
    assert (listed["label"], listed["notes"]) == ("one", "the first")
    assert len(listed["date"]) == len("20260102_030405")
    assert engine.restore_checkpoint(first) is True
    assert engine.fetch_chunk("c") == {"v": 1}
    assert engine.list_chunks() == ["c"]
    assert engine.restore_checkpoint("checkpoint_none_20260101_000000.zip") is False
    # What was before is a checkpoint too.
    [undo] = [item for item in engine.list_checkpoints() if item["label"] == "before_restore"]
    assert engine.restore_checkpoint(undo["filename"]) is True
    assert engine.fetch_chunk("c") == {"v": 2}


def test_delete_project_needs_confirmation_and_ownership(
    engine: SafeChunkEngine, base: Path
) -> None:
    engine.stage_update({}, "c")
    other = SafeChunkEngine("project", base_dir=base)
    assert engine.delete_project() is False
    assert other.delete_project(confirmed=True) is False
    assert engine.project_path.exists()
    assert engine.delete_project(confirmed=True) is True
    assert os.listdir(base) == []
    assert engine.is_active() is False


def test_history_keeps_the_last_fifty_lines(engine: SafeChunkEngine) -> None:
    for number in range(60):
        engine.stage_update(number, "c")
        engine.force_sync()
    assert len(engine.log_history) == 50
    assert engine.log_history[-1].endswith("saved 1 chunk")
    assert engine.log_history[-1].startswith("[")


def test_dirty_is_told(engine: SafeChunkEngine) -> None:
    heard: list[bool] = []
    engine.on_dirty = heard.append
    assert engine.is_dirty() is False
    engine.stage_update(1, "a")
    engine.stage_update(2, "a")
    assert engine.is_dirty() is True
    engine.force_sync()
    assert engine.is_dirty() is False
    engine.delete_chunk("a")
    engine.detach()
    assert heard == [True, False, True, False]


def test_chunks_are_listed_read_and_deleted(engine: SafeChunkEngine) -> None:
    engine.stage_update([1], "b")
    engine.stage_update([2], "a")
    assert engine.list_chunks() == ["a", "b"]
    assert engine.read_chunk("a") == [2]
    assert engine.delete_chunk("a") is True
    assert engine.delete_chunk("a") is False
    assert engine.list_chunks() == ["b"]


def test_version() -> None:
    assert SafeChunkEngine.VERSION == safe_chunk_engine.__version__
    assert SafeChunkEngine.VERSION.count(".") == 2


# --- as its later clients call it


def test_create_checkpoint_by_position(engine: SafeChunkEngine) -> None:
    statuses: list[str] = []
    engine.on_status = statuses.append
    engine.stage_update({}, "c")
    name = engine.create_checkpoint("one", "the notes", 3)
    assert name is not None
    [listed] = engine.list_checkpoints()
    assert (listed["label"], listed["notes"]) == ("one", "the notes")
    assert "Checkpoint saved: one" in statuses
    assert engine.create_checkpoint("two", 5, notes="n")
    assert engine.create_checkpoint("three", "only notes")
    assert engine.create_checkpoint("four", "few", 1)
    assert [item["label"] for item in engine.list_checkpoints()] == ["four"]
    assert engine.create_checkpoint("five", "notes", retention=2)
    for arguments, options in ((("x", "a"), {"notes": "b"}), (("x", 1), {"retention": 2}),
                               (("x", 1, 2), {}), (("x", "a", 1, 2), {}), (("x",), {"keep": 1}),
                               (("x",), {"retention": "3"})):  # fmt: skip
        with pytest.raises(TypeError):
            engine.create_checkpoint(*arguments, **options)  # type: ignore[call-overload]


def test_dates_are_those_of_file_names(engine: SafeChunkEngine) -> None:
    name = engine.create_checkpoint("one")
    [listed] = engine.list_checkpoints()
    assert name == f"checkpoint_one_{listed['date']}.zip"


def test_a_date_is_a_number_too(engine: SafeChunkEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same moment in every time zone. Kills: a number that is made of the local date."""
    before = math.floor(time.time())
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")  # 14 hours ahead of UTC
    time.tzset()
    try:
        engine.create_checkpoint("one")
    finally:
        monkeypatch.undo()
        time.tzset()
    [listed] = engine.list_checkpoints()
    assert isinstance(listed["unix_time"], float)
    assert before <= listed["unix_time"] <= time.time()


def test_checkpoints_go_by_both_parameter_names(engine: SafeChunkEngine) -> None:
    statuses: list[str] = []
    engine.on_status = statuses.append
    engine.stage_update({"v": 1}, "c")
    name = engine.create_checkpoint("one")
    assert name is not None
    assert engine.verify_checkpoint(zip_name=name) and engine.verify_checkpoint(filename=name)
    assert engine.restore_checkpoint(zip_name=name)
    assert f"Restored from checkpoint: {name}" in statuses
    assert engine.delete_checkpoint(zip_name=name)
    for arguments in ({}, {"filename": name, "zip_name": name}):
        with pytest.raises(TypeError, match="once"):
            engine.verify_checkpoint(**arguments)


@pytest.mark.parametrize("strict", [False, True])
def test_a_file_that_is_no_checkpoint_is_false(engine: SafeChunkEngine, strict: bool) -> None:
    engine._strict = strict
    (engine.checkpoint_path / "my backup.zip").write_text("mine")
    calls = (engine.verify_checkpoint, engine.restore_checkpoint, engine.delete_checkpoint)
    for call in calls:
        # With a slash it is the path of an archive, but nothing outside is ever deleted.
        paths = ("../chunks/c.json", "a/b.zip")
        is_deletion = call == engine.delete_checkpoint
        for name in ("my backup.zip", "nothing", "cp_1.zip", *(() if is_deletion else paths)):
            if strict:
                with pytest.raises(NotFoundError):
                    call(name)
            else:
                assert call(name) is False
        for name in ("..", *(paths if is_deletion else ())):
            with pytest.raises(InvalidNameError):
                call(name)
    assert (engine.checkpoint_path / "my backup.zip").read_text() == "mine"


def test_force_save_delay_is_max_delay(tmp_path: Path) -> None:
    with SafeChunkEngine("p", 3600, tmp_path, force_save_delay=3600) as engine:
        engine.stage_update({}, "c")
        assert engine.is_dirty()
    with pytest.raises(InvalidArgumentError, match="force_save_delay"):
        SafeChunkEngine("p", base_dir=tmp_path, force_save_delay=1, max_delay=2)


def test_debounce_delay_can_be_set(engine: SafeChunkEngine) -> None:
    saved = threading.Event()
    engine.on_sync = saved.set
    engine.debounce_delay = 0.01
    assert engine.debounce_delay == 0.01
    engine.stage_update({}, "c")
    assert saved.wait(PATIENCE)
    for wrong in (-1, float("nan")):
        with pytest.raises(InvalidArgumentError):
            engine.debounce_delay = wrong
    with pytest.raises(TypeError):
        engine.debounce_delay = "1"  # type: ignore[assignment]
    assert engine.debounce_delay == 0.01


def test_new_with_a_wrong_option_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="autosave"):
        SafeChunkEngine.new("p", tmp_path / "base", autosave=True)
    assert os.listdir(tmp_path) == []
    engine, reason = SafeChunkEngine.new("p", tmp_path, durability="cloud")
    assert engine is None and "durability" in reason
    with pytest.raises(TypeError, match="indent"):
        SafeChunkEngine.new("p", tmp_path, indent="4")
    assert os.listdir(tmp_path) == []


def test_a_total_loss_is_an_empty_dict_with_a_fault(engine: SafeChunkEngine) -> None:
    faults: list[Fault] = []
    engine.on_fault = faults.append
    write_long_ago(engine.chunks_path / "c.json", "{")
    assert engine.fetch_chunk("c") == {}
    assert faults and faults[0].chunk == "c"


def test_health_has_the_keys_of_later_versions(engine: SafeChunkEngine, base: Path) -> None:
    for version in (1, 2):
        engine.stage_update(version, "c")
        engine.force_sync()
    engine.create_checkpoint("one")
    engine.stage_update(3, "c")
    report = engine.get_health_report()
    expected = {
        "active": True,
        "project": "project",
        "root_path": str(base / "project"),
        "shards_count": 1,
        "backups_count": 1,
        "checkpoints_count": 1,
        "pending_syncs": 1,
        "dirty_chunks": 1,
        "chunk_count": 1,
        "checkpoint_count": 1,
        "wal_exists": True,
    }
    assert {key: report[key] for key in expected} == expected
    engine.force_sync()
    assert engine.get_health_report()["wal_exists"] is False


# --- strict, and text from other programs


def test_strict_raises_for_an_older_version(make_engine: Callable[..., SafeChunkEngine]) -> None:
    engine = make_engine(strict=True)
    for version in (1, 2):
        engine.stage_update(version, "c")
        engine.force_sync()
    write_long_ago(engine.chunks_path / "c.json", "[")
    reader = make_engine(read_only=True, strict=True)
    for read in (reader.fetch_chunk, reader.fetch_text, reader.__getitem__):
        with pytest.raises((HealedError, InvalidEditError)) as raised:
            read("c")
        assert raised.value.chunk == "c"
    assert make_engine(read_only=True).fetch_chunk("c") == 1
    with pytest.raises((HealedError, InvalidEditError)):
        engine.fetch_chunk("c")


def test_text_of_other_programs(engine: SafeChunkEngine) -> None:
    assert engine.stage_text("\ufeff[1]", "c")
    assert engine.fetch_chunk("c") == [1]
    with pytest.raises(InvalidJsonError, match="UTF-16"):
        engine.stage_text("[\0]\0", "c")
