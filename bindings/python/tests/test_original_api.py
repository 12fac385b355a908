"""The original's README and the names of its next version: its users change one line at most."""

from __future__ import annotations

import inspect
import json
import os
from pathlib import Path

import pytest
import safe_chunk_engine
import safechunk_engine
from conftest import NEVER
from safe_chunk_engine import SafeChunkEngine


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
    (engine.chunks_path / "c.json").write_text("{")
    engine.on_fault = lambda error_message: heard.append("fault " + error_message)
    assert engine.fetch_chunk("c") is None
    assert any(line.startswith("fault corrupt") for line in heard)


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
    assert len(listed["date"]) == len("2026-01-02 03:04:05")
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
