"""Several processes that write to one project in turn (mode="shared")."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from safe_chunk_engine import (
    ConflictError,
    InvalidArgumentError,
    LockedError,
    NotFoundError,
    SafeChunkEngine,
)

COUNT = """
import sys
from safe_chunk_engine import SafeChunkEngine
with SafeChunkEngine("project", base_dir=sys.argv[1], mode="shared", strict=True,
                     lock_timeout=60) as engine:
    for _ in range(int(sys.argv[2])):
        engine.update("counter", lambda n: (n or 0) + 1)
"""


def open_shared(base: Path, **options: object) -> SafeChunkEngine:
    return SafeChunkEngine("project", base_dir=base, mode="shared", strict=True, **options)  # type: ignore[arg-type]


def test_processes_count_together(tmp_path: Path) -> None:
    command = [sys.executable, "-c", COUNT, str(tmp_path), "50"]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    assert (tmp_path / "project/chunks/counter.json").read_text() == "200\n"
    assert not (tmp_path / "project/.lock").exists()


def test_each_edit_is_in_its_file_when_the_call_returns(tmp_path: Path) -> None:
    file = tmp_path / "project/chunks/settings.json"
    with open_shared(tmp_path) as engine:
        engine.stage_update({"theme": "dark"}, "settings")
        assert file.read_text() == '{\n    "theme": "dark"\n}\n'
        assert not engine.is_dirty()
        engine.set("settings", "/size", 3)
        assert engine["settings"] == {"theme": "dark", "size": 3}
        with engine.edit("settings") as settings:
            settings["theme"] = "light"
        assert '"light"' in file.read_text()
        with engine.transaction() as transaction:
            transaction.stage([1], "a")
            transaction.remove("settings")
        assert not file.exists()
        engine.remove_chunk("a")
        with pytest.raises(NotFoundError):
            engine.remove_chunk("a")


def test_two_engines_of_one_process_see_each_other(tmp_path: Path) -> None:
    with open_shared(tmp_path) as one, open_shared(tmp_path) as other:
        one["a"] = 1
        assert other["a"] == 1
        revision = other.revision("a")
        one["a"] = 2
        with pytest.raises(ConflictError):
            other.stage_update(3, "a", if_revision=revision)
        other.update("a", lambda n: n + 1)
        assert one["a"] == 3
        with open_shared(tmp_path) as third:
            assert sorted(third) == ["a"]


def test_checkpoints_and_restore(tmp_path: Path) -> None:
    with open_shared(tmp_path) as one, open_shared(tmp_path) as other:
        one["a"] = 1
        name = one.create_checkpoint("safe")
        other["a"] = 2
        other["b"] = 2
        one.restore_checkpoint(name)
        assert dict(other) == {"a": 1}


def test_an_owner_has_it(tmp_path: Path) -> None:
    with SafeChunkEngine("project", base_dir=tmp_path, strict=True) as owner:
        owner["a"] = 1
        owner.force_sync()
        with pytest.raises(LockedError, match="this process has it open already"):
            open_shared(tmp_path, lock_timeout=0.05)
    with open_shared(tmp_path, lock_timeout=0.05) as shared:
        with SafeChunkEngine("project", base_dir=tmp_path, strict=True) as owner:
            with pytest.raises(LockedError, match="this process has it open already, since"):
                shared["a"] = 2
            assert shared["a"] == 1
        shared["a"] = 2
        assert shared["a"] == 2


def test_arguments(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="file_mode=0o600"):
        SafeChunkEngine("project", base_dir=tmp_path, mode=0o600)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="owner, shared, read"):
        SafeChunkEngine("project", base_dir=tmp_path, mode="both")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="exclude"):
        SafeChunkEngine("project", base_dir=tmp_path, mode="shared", read_only=True)
    assert not (tmp_path / "project").exists()
    reader = SafeChunkEngine("project", base_dir=tmp_path, mode="read")
    assert not reader.is_active()
    assert not (tmp_path / "project").exists()
