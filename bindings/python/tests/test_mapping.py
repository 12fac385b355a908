"""The engine is a MutableMapping: CPython's own tests, what they cannot ask, and what it costs."""

from __future__ import annotations

import collections
import ctypes
import itertools
import os
import struct
import threading
import unittest
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from conftest import NEVER, run_python, write_long_ago
from safe_chunk_engine import (
    InvalidJsonError,
    InvalidNameError,
    LostError,
    NotOwnerError,
    SafeChunkEngine,
)

Make = Callable[..., SafeChunkEngine]

# --- CPython's own tests

mapping_tests: Any
try:
    from test import mapping_tests  # ./dev installs them
except ImportError:
    mapping_tests = None

NUMBERS = "its keys are numbers; names of chunks are strings"
OBJECTS = "its keys or values are objects that JSON does not have"
# Each test that cannot pass, and why. They run, too, and have to fail.
EXCLUDED = {
    "TestMappingProtocol.test_values": NUMBERS,
    "TestMappingProtocol.test_items": NUMBERS,
    "TestMappingProtocol.test_clear": NUMBERS,
    "TestMappingProtocol.test_update": NUMBERS,
    "TestMappingProtocol.test_copy": NUMBERS,
    "TestMappingProtocol.test_fromkeys": "an engine is opened by its project's name",
    "TestMappingProtocol.test_setdefault": "it changes the value that setdefault() returns, a copy",
    "TestHashMappingProtocol.test_getitem": OBJECTS,
    "TestHashMappingProtocol.test_pop": OBJECTS,
    "TestHashMappingProtocol.test_setdefault": OBJECTS,
    "TestHashMappingProtocol.test_eq": OBJECTS,
    "TestHashMappingProtocol.test_fromkeys": "an engine is opened by its project's name",
    "TestHashMappingProtocol.test_mutatingiteration": NUMBERS,
    "TestHashMappingProtocol.test_repr": "repr() names the project and does not read it",
    "TestHashMappingProtocol.test_repr_deep": "repr() names the project and does not read it",
}
CLASSES = ("BasicTestMappingProtocol", "TestMappingProtocol", "TestHashMappingProtocol")


def cpython_tests() -> list[str]:
    """Each test once: in the class that defines it."""
    if mapping_tests is None:
        return []
    return [
        f"{name}.{test}"
        for name in CLASSES
        for test in vars(getattr(mapping_tests, name))
        if test.startswith("test_")
    ]


class LikeDict(SafeChunkEngine):
    """Adds what the tests use and MutableMapping does not have. An engine is always true, because
    `if engine:` asks whether it was opened, and has no copy()."""

    def __bool__(self) -> bool:
        return len(self) > 0

    def copy(self) -> dict[str, Any]:
        return dict(self)


@pytest.mark.parametrize("name", cpython_tests())
def test_cpython(name: str, base: Path) -> None:
    numbers = itertools.count()
    engines: list[SafeChunkEngine] = []

    def make(**chunks: Any) -> SafeChunkEngine:
        engine = LikeDict(f"p{next(numbers)}", NEVER, base, max_delay=NEVER)
        engines.append(engine)
        engine.update(chunks)
        return engine

    class_name, test = name.split(".")

    class Case(getattr(mapping_tests, class_name)):  # type: ignore[misc]
        type2test = staticmethod(make)

        def _reference(self) -> dict[str, str]:
            # CPython's has a tuple, which is a list in JSON.
            return {"1": "2", "key1": "value1", "key2": "value2"}

    result = unittest.TestResult()
    try:
        Case(test).run(result)
    finally:
        for engine in engines:
            engine.detach()
    assert result.testsRun == 1 and not result.skipped
    trouble = [text for _, text in result.failures + result.errors]
    if name in EXCLUDED:
        assert trouble, f"{name} passes: do not exclude it"
    else:
        assert not trouble, trouble[0]


@pytest.mark.skipif(mapping_tests is None, reason="CPython's tests are not installed")
def test_all_excluded_tests_exist() -> None:
    assert EXCLUDED.keys() <= set(cpython_tests())


# --- the same with names as keys, and what CPython does not ask


def test_it_is_a_mutable_mapping(engine: SafeChunkEngine) -> None:
    assert isinstance(engine, MutableMapping)
    assert collections.ChainMap({"a": 1}, engine).get("b") is None
    engine.update({"b": {"x": [1]}, "a": 1})
    match engine:
        case {"a": found, **_rest}:
            assert found == 1
        case _:
            pytest.fail("does not match")
    assert dict(engine) == {**engine} == {"a": 1, "b": {"x": [1]}}


def test_an_engine_without_chunks_is_true(engine: SafeChunkEngine) -> None:
    assert len(engine) == 0 and bool(engine) is True


def test_views(engine: SafeChunkEngine) -> None:
    names, items, values = engine.keys(), engine.items(), engine.values()
    engine.update(b=2, a=[1])  # views follow the mapping
    assert list(names) == ["a", "b"] and names & {"b", "c"} == {"b"} and "a" in names
    assert list(items) == [("a", [1]), ("b", 2)] and ("b", 2) in items and ("b", 3) not in items
    assert ("c", 1) not in items
    assert list(values) == [[1], 2] and 2 in values and 3 not in values
    assert len(names) == len(items) == len(values) == 2


def test_a_chunk_that_is_removed_while_items_are_read_is_left_out(engine: SafeChunkEngine) -> None:
    engine.update(a=1, b=2, c=3)
    found = []
    for name, value in engine.items():
        found.append((name, value))
        engine.pop("b", None)
    assert found == [("a", 1), ("c", 3)]


def test_iterating_sees_the_names_of_its_beginning(engine: SafeChunkEngine) -> None:
    engine.update(a=1, b=2)
    for name in engine:
        engine[name + "x"] = engine[name]
        del engine[name]
    assert dict(engine) == {"ax": 1, "bx": 2}


def test_clear_update_and_keywords(engine: SafeChunkEngine) -> None:
    engine.update({"a": 1, "b": 2}, b=3, self=4, chunk_name=5)
    assert dict(engine) == {"a": 1, "b": 3, "self": 4, "chunk_name": 5}
    engine.update([("a", None)])
    engine.update(iter([("c", [])]))
    assert engine["a"] is None and engine["c"] == []
    engine.clear()
    assert dict(engine) == {} and engine == {}
    with pytest.raises(InvalidNameError):
        engine.update({"good": 1, "a/b": 2, "never": 3})
    assert list(engine) == ["good"]
    for wrong in (["a"], ["a", {}, {}], [{}, {}], [1]):
        with pytest.raises((TypeError, ValueError)):
            engine.update(*wrong)
    assert list(engine) == ["good"]


def test_update_with_a_function_is_still_there(engine: SafeChunkEngine) -> None:
    assert engine.update("n", lambda n: n + 1, default=0) is True
    assert engine.update("n", function=lambda n: n + 1) is True
    assert engine["n"] == 2


def test_setdefault_and_pop_give_copies(engine: SafeChunkEngine) -> None:
    given: list[Any] = [(1, 2)]
    assert engine.setdefault("c", given) == [[1, 2]]
    engine.setdefault("c", []).append(3)
    assert engine["c"] == [[1, 2]] and given == [(1, 2)]
    assert engine.pop("c") == [[1, 2]] and "c" not in engine
    with pytest.raises(KeyError, match="c"):
        engine.pop("c")
    assert engine.pop("c", None) is None
    engine["null"] = None
    assert engine.setdefault("null", 1) is None and engine.pop("null", 1) is None


def test_pop_keeps_what_it_cannot_read(make_engine: Make) -> None:
    def refuse(_text: str) -> int:
        raise ZeroDivisionError

    engine = make_engine(parse_int=refuse)
    engine["n"] = 1
    with pytest.raises(ZeroDivisionError):
        engine.pop("n")
    assert engine.fetch_text("n") == "1\n"


def in_threads(count: int, run: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_each_value_is_popped_by_one_thread(engine: SafeChunkEngine) -> None:
    engine.update({f"job{number}": number for number in range(200)})
    done: list[int] = []

    def work(_: int) -> None:
        while True:
            try:
                done.append(engine.popitem()[1])
            except KeyError:
                return

    in_threads(4, work)
    assert sorted(done) == list(range(200)) and len(engine) == 0


def test_pop_and_setdefault_take_an_edit_that_comes_between(make_engine: Make) -> None:
    def between(text: str) -> int:
        if text == "1":
            engine["n"] = 2
        return int(text)

    def meanwhile(_value: object) -> str:
        engine["s"] = "first"
        return "second"

    engine = make_engine(parse_int=between, default=meanwhile)
    engine["n"] = 1
    assert engine.pop("n") == 2 and "n" not in engine
    assert engine.setdefault("s", {1}) == engine["s"] == "first"


def test_setdefault_of_several_threads_gives_all_the_same(engine: SafeChunkEngine) -> None:
    for name in map(str, range(50)):
        found: list[int] = []

        def ask(number: int, name: str = name, found: list[int] = found) -> None:
            found.append(engine.setdefault(name, number))

        in_threads(4, ask)
        assert found == [engine[name]] * 4


def test_equality_and_hash(make_engine: Make) -> None:
    one, other = make_engine("one"), make_engine("other")
    assert one == other == {}
    one["a"] = {"x": 1}
    assert one != other and one == {"a": {"x": 1}} and {"a": {"x": 1}} == one
    assert one != 1 and one != "one"
    other["a"] = {"x": 1}
    assert one == other
    assert {one: 1, other: 2}[one] == 1 and len({one, other}) == 2


def test_names_that_no_chunk_can_have(engine: SafeChunkEngine) -> None:
    engine["users"] = 1
    for name in ("a/b", "", "x" * 300, "\0", "\ud800", "USERS", 1, None, b"users", ("users",)):
        assert name not in engine and name not in engine.keys()
        assert (name, 1) not in engine.items()
    with pytest.raises(InvalidNameError):
        engine["a/b"]
    with pytest.raises(InvalidNameError):
        engine.get("a/b")
    with pytest.raises(TypeError):
        engine[1]  # type: ignore[index]


def test_in_hears_of_a_loss(engine: SafeChunkEngine) -> None:
    engine["c"] = 1
    engine.force_sync()
    engine.detach()
    for path in (engine.chunks_path / "c.json", engine.backup_path / "c.bak"):
        if path.exists():
            write_long_ago(path, "\0" * 10)
    with pytest.raises(LostError):
        "c" in engine  # noqa: B015


def test_reading_works_without_the_project_and_writing_says_why(make_engine: Make) -> None:
    owner = make_engine()
    owner["c"] = 1
    owner.detach()
    reader = make_engine(read_only=True)
    assert "c" in reader and dict(reader.items()) == {"c": 1} and "d" not in reader
    for edit in (
        lambda: reader.pop("c"),
        lambda: reader.setdefault("d", 1),
        lambda: reader.clear(),
        lambda: reader.update(d=1),
    ):
        with pytest.raises(NotOwnerError):
            edit()


def test_a_nested_assignment_changes_a_copy(engine: SafeChunkEngine) -> None:
    engine["settings"] = {"theme": "light"}
    engine["settings"]["theme"] = "dark"
    engine.get("settings")["theme"] = "dark"
    assert engine["settings"] == {"theme": "light"}
    with engine.edit("settings") as settings:
        settings["theme"] = "dark"
    assert engine["settings"] == {"theme": "dark"}
    for method in (SafeChunkEngine.__getitem__, SafeChunkEngine.get):
        assert "engine.edit(" in str(method.__doc__)  # people look there


def test_a_value_that_json_cannot_hold_changes_nothing(engine: SafeChunkEngine) -> None:
    engine["c"] = 1
    with pytest.raises(InvalidJsonError):
        engine["c"] = float("nan")
    with pytest.raises(TypeError):
        engine.setdefault("d", {1, 2})
    assert dict(engine) == {"c": 1}


# --- what it costs

IN_ACCESS, IN_ISDIR = 0x1, 0x40000000
IN_OPEN = 0x20


class Listings:
    """Counts how often any program lists a folder: it opens the folder, and then reads names."""

    def __init__(self, folder: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        mask = IN_OPEN | IN_ACCESS
        assert libc.inotify_add_watch(self._descriptor, os.fsencode(folder), mask) > 0

    def __call__(self) -> int:
        """Since the last call."""
        masks: list[int] = []
        try:
            data = os.read(self._descriptor, 1 << 20)
        except BlockingIOError:
            data = b""
        while data:
            _, mask, _, size = struct.unpack_from("iIII", data)
            if not size:  # the folder itself, and no file in it
                masks.append(mask)
            data = data[16 + size :]
        assert all(mask & IN_ISDIR for mask in masks)
        return sum(1 for mask in masks if mask & IN_ACCESS)

    def close(self) -> None:
        os.close(self._descriptor)


@pytest.fixture
def filled(engine: SafeChunkEngine) -> SafeChunkEngine:
    """Chunks that are in files."""
    engine.update({f"c{number}": {"n": number} for number in range(20)})
    engine.force_sync()
    return engine


@pytest.fixture
def listings(filled: SafeChunkEngine) -> Iterator[Listings]:
    counter = Listings(filled.chunks_path)
    yield counter
    counter.close()


def test_the_counter_counts(filled: SafeChunkEngine, listings: Listings) -> None:
    assert listings() == 0
    filled.list_chunks()
    assert listings() == 1
    for _ in range(3):
        os.listdir(filled.chunks_path)
    assert listings() == 3
    (filled.chunks_path / "c1.json").read_bytes()
    assert listings() == 0


@pytest.mark.parametrize(
    "ask",
    [
        lambda e: e["c3"],
        lambda e: e.get("c3"),
        lambda e: e.get("none"),
        lambda e: e.get("c3", "/n"),
        lambda e: "c3" in e,
        lambda e: "none" in e,
        lambda e: "c3" in e.keys(),
        lambda e: ("c3", {"n": 3}) in e.items(),
        lambda e: e.setdefault("c3", 1),
        lambda e: e.setdefault("new", 1),
        lambda e: e.pop("c3"),
        lambda e: e.update(c3=1, other=2),
        lambda e: e.fetch_chunk("c3"),
    ],
)
def test_one_chunk_needs_no_listing(
    filled: SafeChunkEngine, listings: Listings, ask: Callable[[SafeChunkEngine], object]
) -> None:
    ask(filled)
    assert listings() == 0


def drain(chunks: Iterable[object]) -> None:
    for _ in chunks:
        pass


@pytest.mark.parametrize(
    "ask",
    [
        len,
        dict,
        drain,
        lambda e: drain(e.items()),
        lambda e: drain(e.values()),
        lambda e: drain(e.keys()),
        lambda e: len(e.items()),
        lambda e: e.clear(),
        lambda e: e.popitem(),
        lambda e: e == {},
    ],
)
def test_all_chunks_need_one_listing(
    filled: SafeChunkEngine, listings: Listings, ask: Callable[[SafeChunkEngine], object]
) -> None:
    ask(filled)
    assert listings() == 1
    list(filled.items())  # asks for the length, too
    assert listings() == 2


def test_in_makes_no_value(make_engine: Make) -> None:
    def refuse(_text: str) -> int:
        raise AssertionError("parsed")

    engine = make_engine(parse_int=refuse)
    engine["n"] = {"a": 1}
    assert "n" in engine
    with pytest.raises(AssertionError):
        engine["n"]


def test_importing_needs_no_library_of_models() -> None:
    run_python(
        "import sys, safe_chunk_engine\n"
        "assert not {'pydantic', 'msgspec', 'tinydb'} & set(sys.modules), sorted(sys.modules)"
    )


def test_other_mappings_take_it(engine: SafeChunkEngine) -> None:
    engine["a"] = 1
    copied: Mapping[str, Any] = {"b": 2} | dict(engine)
    assert copied == {"a": 1, "b": 2}
