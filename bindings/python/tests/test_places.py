"""Files that stay where the application has them. Kills: another layout or order after a save; a
file of others that is touched; paths of attributes that lead nowhere; a trace after release()."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from safe_chunk_engine import (
    ConflictError,
    InvalidArgumentError,
    InvalidJsonError,
    InvalidNameError,
    LockedError,
    NotFoundError,
    SafeChunkEngine,
    open_file,
    release,
)

SETTINGS = '\ufeff{\r\n\t"theme": "light",\r\n\t"size": 3\r\n}\r\n'


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_a_file_keeps_its_layout(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(SETTINGS.encode())
    with open_file(path, strict=True) as engine:
        assert engine.file_chunk == "settings"
        assert engine.fetch_chunk("settings") == {"theme": "light", "size": 3}
        engine.stage_update({"size": 4, "theme": "light", "new": [1]}, "settings")
        engine.force_sync()
        expected = SETTINGS.replace("3\r\n", '4,\r\n\t"new": [\r\n\t\t1\r\n\t]\r\n')
        assert path.read_bytes() == expected.encode()
        engine.set(engine.file_chunk, "/theme", "dark")
        assert engine.update("settings", lambda value: {**value, "size": 5})
        with pytest.raises(InvalidNameError):
            engine.stage_update({}, "other")
    expected = expected.replace("light", "dark").replace("4,", "5,")
    assert path.read_bytes() == expected.encode()


def test_a_folder_of_files(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"b": 1, "a": 2}')
    (tmp_path / "notes.txt").write_text("mine")
    engine = SafeChunkEngine.in_place(tmp_path, strict=True)
    assert engine.file_chunk == ""
    assert engine.list_chunks() == ["a"]
    engine.stage_update({"a": 3, "b": 1}, "a")
    engine.stage_update([1], "new")
    engine.log("events").append({"n": 1})
    engine.force_sync()
    assert (tmp_path / "a.json").read_text() == '{"b": 1, "a": 3}'
    assert (tmp_path / "new.json").read_text() == "[\n    1\n]\n"
    assert (tmp_path / "events.jsonl").read_text() == '{"n":1}\n'
    assert (tmp_path / "notes.txt").read_text() == "mine"
    name = engine.create_checkpoint("before")
    assert name
    assert engine.chunks_path == tmp_path
    assert (engine.checkpoint_path / name).is_file()
    assert (engine.backup_path / "a.bak").is_file()
    assert engine.lock_file.is_file()
    with pytest.raises(InvalidArgumentError):
        engine.delete_project(confirmed=True)
    engine.detach()
    with pytest.raises(ConflictError):
        release(tmp_path)
    release(tmp_path, force=True)
    assert names(tmp_path) == {"a.json", "new.json", "events.jsonl", "notes.txt"}


def test_what_is_no_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{"a":\n tru}')
    with pytest.raises(InvalidJsonError) as refused:
        open_file(path, strict=True)
    assert (refused.value.line, refused.value.column) == (2, 5)
    with pytest.raises(NotFoundError):
        open_file(tmp_path / "missing" / "a.json", strict=True)
    with pytest.raises(NotFoundError):
        SafeChunkEngine.in_place(tmp_path / "missing", strict=True)
    with pytest.raises(NotFoundError):
        release(path)
    for wrong in ("", "a\0b"):
        with pytest.raises(InvalidArgumentError):
            open_file(wrong)
    with pytest.raises(TypeError):
        open_file(3)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError):
        SafeChunkEngine("p", base_dir=tmp_path, place="elsewhere")  # type: ignore[arg-type]
    assert names(tmp_path) == {"bad.json"}


def test_one_owner(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("{}")
    with open_file(path, strict=True) as engine:
        with pytest.raises(LockedError):
            open_file(path, strict=True)
        with pytest.raises(LockedError):
            release(path)
        code = (
            "from safe_chunk_engine import *\n"
            f"engine = open_file({os.fspath(path)!r}, strict=True, mode='read')\n"
            "print(engine.fetch_chunk('a'))\n"
        )
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert found.stdout == "{}\n"
        assert engine.is_active()


def test_relative_paths_and_homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", os.fspath(tmp_path))
    with open_file("a.json", strict=True) as engine:
        engine.stage_update({"a": 1}, "a")
        assert engine.project_path == tmp_path / "a.json"
    with open_file("~/a.json", strict=True) as engine:
        assert engine.fetch_chunk("a") == {"a": 1}
    with open_file("a.json", base_dir=tmp_path, mode="shared", strict=True) as engine:
        engine.set("a", "/a", 2)
    assert (tmp_path / "a.json").read_text() == '{\n    "a": 2\n}\n'
