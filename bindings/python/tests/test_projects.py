"""Projects as a whole: list_projects() and delete_project()."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safe_chunk_engine
from safe_chunk_engine import (
    InvalidNameError,
    LockedError,
    NotFoundError,
    SafeChunkEngine,
    UnsupportedFormatError,
    delete_project,
    list_projects,
)


def test_projects_are_listed(make_engine: Callable[..., SafeChunkEngine], base: Path) -> None:
    """Kills: a list with folders that are no projects, or that is not sorted."""
    with pytest.raises(NotFoundError) as missing:
        list_projects(base)
    assert missing.value.path == str(base)
    make_engine("zebra")
    make_engine("café").detach()
    (base / "other").mkdir()
    (base / "con" / "chunks").mkdir(parents=True)  # no name for a project
    assert list_projects(base) == list_projects(str(base)) == ["café", "zebra"]


def test_the_base_folder_is_that_of_the_constructor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kills: another default than the constructor's, and a "~" that is taken for a folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    SafeChunkEngine("here").detach()
    SafeChunkEngine("there", base_dir="~/data").detach()
    assert list_projects() == list_projects(None) == ["here"]
    assert list_projects("~/data") == ["there"]
    delete_project("there", "~/data")
    delete_project("here")
    assert os.listdir(tmp_path) == ["data"]
    assert list_projects("data") == []


def test_a_project_is_deleted_whole_or_not_at_all(engine: SafeChunkEngine, base: Path) -> None:
    """Kills: deleting a project that is open, or somebody's file, and leaving a part."""
    for value in (1, 2):
        engine["a"] = value
        engine.force_sync()
    engine.create_checkpoint()
    with pytest.raises(LockedError):
        delete_project("project", base)
    engine.detach()
    mine = base / "project" / "chunks" / "readme.txt"
    mine.write_text("mine")
    with pytest.raises(UnsupportedFormatError) as refused:
        delete_project("project", base)
    assert refused.value.path == str(mine)
    assert (base / "project" / "chunks" / "a.json").exists()
    mine.unlink()
    delete_project("project", base)
    assert os.listdir(base) == []
    with pytest.raises(NotFoundError):
        delete_project("project", base)


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\0b", "\ud800"])
def test_bad_names_delete_nothing(base: Path, name: str) -> None:
    (base / "a" / "chunks").mkdir(parents=True)
    with pytest.raises(InvalidNameError):
        delete_project(name, base / "a" / "..")
    assert list_projects(base) == ["a"]


@pytest.mark.parametrize("argument", [3, b"bytes", ["list"]])
def test_bad_types_are_refused(argument: Any) -> None:
    for call in (lambda: list_projects(argument), lambda: delete_project("p", argument),
                 lambda: delete_project(argument)):  # fmt: skip
        with pytest.raises(TypeError):
            call()


def test_both_are_public() -> None:
    assert {"list_projects", "delete_project"} <= set(safe_chunk_engine.__all__)
