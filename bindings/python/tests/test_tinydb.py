"""The storage for TinyDB: what TinyDB documents holds, and what its own storage cannot do."""

from __future__ import annotations

import gc
import json
import math
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import safechunk_engine.tinydb
from conftest import PATIENCE, run_python
from safe_chunk_engine import (
    BigFloat,
    ConflictError,
    InvalidJsonError,
    LockedError,
    NotOwnerError,
    SafeChunkEngine,
    TooLargeError,
)
from safe_chunk_engine.tinydb import SafeChunkStorage
from tinydb import Query, TinyDB, where
from tinydb.middlewares import CachingMiddleware
from tinydb.operations import increment
from tinydb.storages import JSONStorage


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "db"


def text_of(path: Path) -> str:
    """The file, as any editor shows it."""
    return (path / "chunks" / "tinydb.json").read_text(encoding="utf-8")


def open_db(path: Path, **options: Any) -> TinyDB:
    return TinyDB(path, storage=SafeChunkStorage, **options)


def test_the_getting_started_page(path: Path) -> None:
    db = TinyDB(str(path), storage=SafeChunkStorage)
    assert db.insert({"type": "apple", "count": 7}) == 1
    db.insert({"type": "peach", "count": 3})
    fruit = Query()
    assert db.all() == [{"type": "apple", "count": 7}, {"type": "peach", "count": 3}]
    assert db.search(fruit.count > 5) == [{"type": "apple", "count": 7}]
    db.update({"count": 10}, fruit.type == "apple")
    db.update(increment("count"), fruit.type == "apple")
    db.remove(fruit.count < 5)
    assert db.all() == [{"type": "apple", "count": 11}] and len(db) == 1
    db.table("users").insert({"name": "Åsa"})
    assert db.tables() == {"_default", "users"}
    db.drop_table("users")
    db.truncate()
    assert db.all() == []
    db.close()


def test_documents_stay_and_the_file_is_that_of_tinydb(path: Path, tmp_path: Path) -> None:
    with open_db(path) as db, TinyDB(tmp_path / "theirs.json", storage=JSONStorage) as theirs:
        for one in (db, theirs):
            one.insert_multiple([{"a": 1, "name": "Åsa"}, {"b": [1.5, None, {"x": True}]}])
            one.table("Users/2026").insert({"free": "choice of names"})
    text = text_of(path)
    assert json.loads(text) == json.loads((tmp_path / "theirs.json").read_text())
    assert '"name": "Åsa"' in text and text.startswith('{\n    "_default": {\n')
    with open_db(path) as db:
        assert db.all() == [{"a": 1, "name": "Åsa"}, {"b": [1.5, None, {"x": True}]}]
        assert db.insert({}) == 3


def test_a_new_storage_is_empty(path: Path) -> None:
    storage = SafeChunkStorage(path)
    assert storage.read() is None
    storage.write({})
    assert storage.read() == {}
    storage.close()


def test_the_documents_of_a_file_can_be_taken_over(path: Path, tmp_path: Path) -> None:
    with TinyDB(tmp_path / "db.json", storage=JSONStorage) as old:
        old.insert({"a": 1})
    with pytest.raises(FileExistsError, match="db.json"):
        open_db(tmp_path / "db.json")
    with open_db(path) as db:
        db.storage.write(json.loads((tmp_path / "db.json").read_text()))
        assert db.all() == [{"a": 1}] and db.insert({"b": 1}) == 2


# --- durability and damage


def test_a_write_is_durable_when_it_returns(path: Path) -> None:
    with open_db(path) as db:
        db.insert({"a": 1})
        assert json.loads(text_of(path)) == {"_default": {"1": {"a": 1}}}
        db.update({"a": 2})
        assert json.loads(text_of(path)) == {"_default": {"1": {"a": 2}}}


def test_it_survives_kill(path: Path) -> None:
    code = """
import os, sys
from safe_chunk_engine.tinydb import SafeChunkStorage
from tinydb import TinyDB
db = TinyDB(sys.argv[1], storage=SafeChunkStorage)
db.insert({"a": 1})
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", code, path], timeout=PATIENCE, check=False)
    assert killed.returncode == -9
    with open_db(path) as db:
        assert db.all() == [{"a": 1}]


def test_what_json_cannot_hold_changes_nothing(path: Path) -> None:
    with open_db(path) as db:
        db.insert({"a": 1})
        with pytest.raises(TypeError, match="set is not JSON"):
            db.insert({"a": {1, 2}})
        with pytest.raises(InvalidJsonError):
            db.insert({"a": math.nan})
        assert db.all() == [{"a": 1}]


def test_numbers_survive_the_edit_of_another_document(path: Path) -> None:
    with open_db(path) as db:
        db.storage.write({"_default": {}})
        file = path / "chunks" / "tinydb.json"
        many = "123456789012345678901234567890"
        file.write_text('{"_default": {"1": {"n": 1e400}, "2": {"n": ' + many + "}}}")
        db.insert({"x": 1})
        assert "1e400" in text_of(path) and many in text_of(path)
        found = db.get(doc_id=1)
        assert isinstance(found, dict) and isinstance(found["n"], BigFloat)


# --- parameters


def test_options_of_json_dumps(path: Path) -> None:
    options: dict[str, Any] = {"sort_keys": True, "indent": 2, "separators": (",", ": ")}
    with open_db(path, **options, ensure_ascii=True) as db:
        db.insert({"b": "Åsa 😀", "a": {"d": 1, "c": [{"z": 1, "y": 2}]}})
        expected = json.dumps(
            {"_default": {1: {"b": "Åsa 😀", "a": {"d": 1, "c": [{"z": 1, "y": 2}]}}}}, **options
        )
        assert text_of(path) == expected + "\n"
        assert db.all()[0]["b"] == "Åsa 😀"


@pytest.mark.parametrize(
    "options",
    [
        {"indent": None, "separators": (",", ":")},
        {"separators": (",", ":")},
        {"indent": None, "separators": [",", ":"]},
        {"indent": "  "},
        {"indent": 1, "allow_nan": False, "check_circular": True, "skipkeys": False},
    ],
)
def test_layouts(path: Path, options: dict[str, Any]) -> None:
    with open_db(path, **options) as db:
        db.insert({"a": [1, 2]})
        assert text_of(path) == json.dumps({"_default": {"1": {"a": [1, 2]}}}, **options) + "\n"


def test_default_cls_and_skipkeys(path: Path, tmp_path: Path) -> None:
    class Encoder(json.JSONEncoder):
        def default(self, o: object) -> object:
            return sorted(o) if isinstance(o, set) else super().default(o)

    with open_db(path, cls=Encoder, skipkeys=True, sort_keys=True) as db:
        db.insert({"a": {2, 1}, (1, 2): "left out", "0": {(3,): 4}})
        assert db.all() == [{"a": [1, 2], "0": {}}]
        assert text_of(path).index('"0"') < text_of(path).index('"a"')
        with pytest.raises(TypeError, match="complex"):
            db.insert({"a": 1j})
    with open_db(tmp_path / "other", default=str) as db:
        db.insert({"a": 1j})
        assert db.all() == [{"a": "1j"}]


class WholeEncoder(json.JSONEncoder):
    def encode(self, o: object) -> str:
        return "{}"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"indent": "\t"}, "indent"),
        ({"indent": 0}, "indent"),
        ({"indent": 17}, "indent"),
        ({"indent": True}, "indent"),
        ({"separators": (", ", ": ")}, "separators"),
        ({"indent": 4, "separators": (",", ":")}, "separators"),
        ({"cls": WholeEncoder}, "encode"),
        ({"allow_nan": True}, "NaN"),
        ({"check_circular": False}, "cycles"),
        ({"encoding": "utf-16"}, "UTF-8"),
        ({"access_mode": "w"}, "access_mode"),
        ({"access_mode": "a+"}, "access_mode"),
    ],
)
def test_what_cannot_be_honoured_is_refused(
    path: Path, options: dict[str, Any], word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        open_db(path, **options)
    assert not path.exists()


def test_unknown_options_and_encodings(path: Path) -> None:
    with pytest.raises(TypeError, match="colour"):
        open_db(path, colour="red")
    with pytest.raises(LookupError):
        open_db(path, encoding="klingon")
    for encoding in ("utf-8", "UTF8", None):
        open_db(path, encoding=encoding).close()


def test_engine_options(path: Path) -> None:
    with open_db(path, engine_options={"chunk_size_limit": 1000}) as db:
        with pytest.raises(TooLargeError):
            db.insert({"a": "x" * 1000})
    with pytest.raises(TypeError, match="colour"):
        open_db(path, engine_options={"colour": "red"})


def test_reading_only(path: Path) -> None:
    for mode in ("r", "rb"):
        with pytest.raises(FileNotFoundError):
            open_db(path, access_mode=mode)
    assert not path.exists()
    with open_db(path, access_mode="rb+") as db:
        db.insert({"b": 1})
        with open_db(path, access_mode="r") as reader:  # beside the writer
            assert reader.all() == [{"b": 1}]
            db.insert({"c": 1})
            assert len(reader) == 2
    with open_db(path, access_mode="r") as reader:
        assert reader.get(where("b") == 1) == {"b": 1}
        with pytest.raises(OSError, match="Access mode"):
            reader.insert({"c": 1})
        with open_db(path) as db:  # a reader takes no lock
            assert db.insert({"d": 1}) == 3


def test_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "db"
    with pytest.raises(FileNotFoundError, match="b"):
        open_db(path)
    assert not (tmp_path / "a").exists()
    for _ in range(2):
        with open_db(path, create_dirs=True) as db:
            db.insert({"a": 1})
    assert json.loads(text_of(path))["_default"].keys() == {"1", "2"}


# --- several objects, threads and processes


def test_two_databases_on_one_path(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    one, other = open_db(path), open_db(tmp_path / "link" / "db")
    one.insert({"a": 1})
    assert other.all() == [{"a": 1}]
    other.insert({"b": 2})
    assert one.all() == [{"a": 1}, {"b": 2}]
    one.table("t").insert({"c": 3})
    other.update({"a": 5}, where("a") == 1)
    assert one.all() == [{"a": 5}, {"b": 2}] and len(other.table("t")) == 1
    one.close()
    one.close()
    other.insert({"d": 4})
    other.close()
    assert not (path / ".lock").exists()  # nobody has it open
    with open_db(path) as db:
        assert len(db) == 3


def test_a_collected_database_releases_the_project(path: Path) -> None:
    db = open_db(path)
    db.insert({"a": 1})
    assert (path / ".lock").exists()
    del db
    gc.collect()
    assert not (path / ".lock").exists()


def test_a_closed_storage_says_so(path: Path) -> None:
    other = open_db(path)  # keeps the engine
    db = open_db(path)
    db.close()
    for call in (db.all, lambda: db.insert({})):
        with pytest.raises(ValueError, match="closed"):
            call()
    other.close()


def test_other_options_on_one_path_are_refused(path: Path) -> None:
    with open_db(path, indent=2) as one:
        with pytest.raises(ValueError, match="other options"):
            open_db(path, indent=3)
        with open_db(path) as other:  # says nothing of it
            other.insert({"a": 1})
        one.insert({"b": 1})
        assert '\n  "_default"' in text_of(path)
    with open_db(path), open_db(path, indent=4), pytest.raises(ValueError, match="other options"):
        open_db(path, indent=2)


def test_an_edit_by_hand_is_seen_and_never_overwritten(path: Path) -> None:
    with open_db(path) as db:
        db.insert({"a": 1})
        read = db.storage.read()
        edited = text_of(path).replace('"a": 1', '"a": 77')
        (path / "chunks" / "tinydb.json").write_text(edited)
        with pytest.raises(ConflictError):
            db.storage.write(read)
        assert db.all() == [{"a": 77}]


def test_threads_lose_nothing(path: Path) -> None:
    db = open_db(path)
    db.insert({"n": 0})
    refused: list[int] = []

    def count(_: int) -> None:
        own = open_db(path)
        for _ in range(20):
            while True:
                try:
                    own.update(increment("n"))
                    break
                except ConflictError:
                    refused.append(1)
        own.close()

    threads = [threading.Thread(target=count, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert db.all() == [{"n": 60}]
    db.close()


def test_caching_middleware(path: Path) -> None:
    with TinyDB(path, storage=CachingMiddleware(SafeChunkStorage)) as db:
        db.insert({"a": 1})
        assert not (path / "chunks" / "tinydb.json").exists()
        db.storage.flush()
        assert json.loads(text_of(path)) == {"_default": {"1": {"a": 1}}}
        db.insert({"b": 1})
        db.storage.flush()
        db.insert({"c": 1})
    with TinyDB(path, storage=CachingMiddleware(SafeChunkStorage)) as db:
        assert db.all() == [{"a": 1}, {"b": 1}, {"c": 1}]
        db.insert({"d": 1})
        db.storage.flush()
        db.insert({"e": 1})
        db.storage.flush()  # writes again what was read once
        with open_db(path) as other:
            other.insert({"f": 1})
        db.insert({"g": 1})
        with pytest.raises(ConflictError):
            db.storage.flush()
        db.storage.cache = db.storage.storage.read()  # what was not written is gone
    with open_db(path) as db:
        assert [*db.all()[-1]] == ["f"]


def test_another_process_has_it_open(path: Path) -> None:
    with open_db(path):
        code = """
import sys
from safe_chunk_engine import LockedError
from safe_chunk_engine.tinydb import SafeChunkStorage
from tinydb import TinyDB
try:
    TinyDB(sys.argv[1], storage=SafeChunkStorage)
except LockedError as error:
    print(error)
"""
        said = run_python(code, path).stdout
    assert str(os.getpid()) in said


def test_an_engine_on_the_same_folder(path: Path) -> None:
    with SafeChunkEngine("db", base_dir=path.parent):
        with pytest.raises(LockedError, match="this process has it open already"):
            open_db(path)
    db = open_db(path)
    SafeChunkEngine.shared("db", base_dir=path.parent).detach()
    with pytest.raises(NotOwnerError):
        db.insert({"a": 1})
    with open_db(path) as again:
        again.insert({"a": 1})
        db.close()
        again.insert({"b": 1})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_cannot_harm(path: Path) -> None:
    db = open_db(path)
    db.insert({"a": 1})
    child = os.fork()
    if child == 0:
        try:
            db.insert({"b": 1})
            os._exit(1)
        except NotOwnerError:
            db.close()
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    db.insert({"c": 1})
    assert db.all() == [{"a": 1}, {"c": 1}]
    db.close()


def test_the_other_name_of_the_package() -> None:
    assert safechunk_engine.tinydb.SafeChunkStorage is SafeChunkStorage
