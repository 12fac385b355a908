"""edit_file() and read_json_file(): JSON files of other programs."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest
import safe_chunk_engine
from conftest import run_python
from safe_chunk_engine import (
    ConflictError,
    InvalidArgumentError,
    InvalidJsonError,
    InvalidTypeError,
    LockedError,
    NotFoundError,
    edit_file,
    read_json_file,
)

COMMENTED = '{\n  // why\n  "a": 1, // one\n  "list": [1]\n}\n'


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "settings.json"
    file.write_text(COMMENTED)
    return file


def test_only_the_values_change(settings: Path) -> None:
    """Kills: an option that is not passed on, and an edit that is left out."""
    done = edit_file(
        settings,
        [("set", "/a", 2), ("merge", {"b": {"c": "ä"}})],
        set={"/list/-": 2},
        unset="/b/c",
        merge={"d": True},
        patch=[{"op": "test", "path": "/a", "value": 2}],
        dialect="jsonc",
    )
    assert done.changed
    assert settings.read_text() == (
        '{\n  // why\n  "a": 2, // one\n  "list": [1, 2],\n  "b": {},\n  "d": true\n}\n'
    )
    assert (settings.parent / ".settings.json.safechunk/settings.json.bak").read_text() == COMMENTED
    found = read_json_file(str(settings), dialect="jsonc")
    assert found.value == {"a": 2, "list": [1, 2], "b": {}, "d": True}
    assert found.text == settings.read_text()
    assert found.revision == done.revision
    again = edit_file(os.fsencode(settings), set={"/a": 2}, dialect="jsonc")
    assert again == (False, done.revision)
    with pytest.raises(ConflictError):
        edit_file(settings, set={"/a": 3}, dialect="jsonc", if_revision="other")
    edit_file(settings, unset=["/a", "/b"], dialect="jsonc", backup=False)
    assert read_json_file(settings, dialect="jsonc").value == {"list": [1, 2], "d": True}


def test_refusals_change_nothing(settings: Path) -> None:
    """Kills: an error without its place, and one of two edits that is made."""
    with pytest.raises(InvalidJsonError) as commented:
        edit_file(settings, set={"/a": 2})
    assert (commented.value.line, commented.value.column) == (2, 3)
    assert commented.value.path == str(settings)
    with pytest.raises(NotFoundError):
        edit_file(settings, set={"/a": 2}, unset="/x", dialect="jsonc")
    with pytest.raises(InvalidTypeError):
        edit_file(settings, set={"/a": object()}, dialect="jsonc")
    for wrong in ({"dialect": "json5"}, {"indent": 17}, {"lock_timeout": -1}):
        with pytest.raises(InvalidArgumentError):
            edit_file(settings, set={"/a": 2}, **wrong)
    with pytest.raises(InvalidArgumentError):
        edit_file(settings, [("put", "/a", 2)])
    with pytest.raises(TypeError):
        edit_file(settings, merge=[1])  # type: ignore[arg-type]
    with open(settings) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(LockedError):
            edit_file(settings, set={"/a": 2}, dialect="jsonc", lock_timeout=0.01)
    assert settings.read_text() == COMMENTED
    assert os.listdir(settings.parent) == ["settings.json"]


def test_a_missing_file_is_made_only_when_asked_to(tmp_path: Path) -> None:
    file = tmp_path / "new.json"
    with pytest.raises(NotFoundError):
        edit_file(file, set={"/a": 1})
    with pytest.raises(NotFoundError):
        read_json_file(file)
    assert edit_file(file, set={"/a": 1}, create=True, indent=2).changed
    assert file.read_text() == '{\n  "a": 1\n}\n'


def test_processes_edit_in_turn(tmp_path: Path) -> None:
    """Kills: a lock that is not that of the C++ function."""
    file = tmp_path / "shared.json"
    file.write_text("{}")
    code = (
        "import sys, threading; from safe_chunk_engine import edit_file\n"
        "def run(i): edit_file(sys.argv[1], set={f'/n{i}': i}, lock_timeout=60)\n"
        "threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
    )
    run_python(code, str(file))
    assert read_json_file(file).value == {f"n{i}": i for i in range(8)}


def test_the_package_names_them() -> None:
    names = {"FileEditResult", "FileRead", "edit_file", "read_json_file"}
    assert names <= set(safe_chunk_engine.__all__)
