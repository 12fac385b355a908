"""Options for where a project lies and who may read it."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from safe_chunk_engine import InvalidArgumentError, SafeChunkEngine

Make = Callable[..., SafeChunkEngine]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_mode_holds_for_everything_that_is_made(base: Path, make_engine: Make) -> None:
    engine = make_engine(file_mode=0o600)
    for value in (1, 2):
        engine.stage_update(value, "a")
        assert engine.force_sync()
    assert engine.create_checkpoint("label")
    for path in base.rglob("*"):
        assert mode_of(path) == (0o700 if path.is_dir() else 0o600), path


def test_a_restore_gives_the_mode_back(base: Path, make_engine: Make) -> None:
    engine = make_engine()
    engine.stage_update(1, "a")
    assert engine.force_sync()
    file = base / "project" / "chunks" / "a.json"
    file.chmod(0o640)
    assert engine.create_checkpoint("label")
    name = engine.list_checkpoints()[0]["filename"]
    with zipfile.ZipFile(base / "project" / "checkpoints" / name) as archive:
        assert stat.S_IMODE(archive.getinfo("chunks/a.json").external_attr >> 16) == 0o640
    file.chmod(0o600)
    assert engine.restore_checkpoint(name)
    assert mode_of(file) == 0o640


@pytest.mark.parametrize("mode", [0o400, 0o1600, -1])
def test_modes_that_make_no_sense_are_refused(make_engine: Make, mode: int) -> None:
    with pytest.raises(InvalidArgumentError):
        make_engine(file_mode=mode)


def test_weak_options_change_nothing_where_nothing_is_missing(make_engine: Make) -> None:
    engine = make_engine(weak_locks=True, weak_folders=True)
    engine.stage_update(1, "a")
    assert engine.force_sync()
    assert engine.get_health_report()["weakened"] == []
