"""Parts of chunks, and edits under conditions (G16)."""

from __future__ import annotations

import asyncio
import copy
import decimal
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import NEVER, PATIENCE, run_python, write_long_ago
from safe_chunk_engine import (
    BigFloat,
    ConflictError,
    Fault,
    HealedError,
    InvalidArgumentError,
    InvalidEditError,
    InvalidJsonError,
    InvalidTypeError,
    NotFoundError,
    NotOwnerError,
    SafeChunkEngine,
    SafeChunkError,
)

Make = Callable[..., SafeChunkEngine]

# Layout, number texts and a repeated name that only an edit of a part leaves alone.
BY_HAND = '{\r\n  "a": 1.10, "b":[ 1,2 ],\r\n  "twice": 1,\t"twice": 2,\r\n  "big": 1e400\r\n}'


@pytest.fixture
def settings(engine: SafeChunkEngine) -> SafeChunkEngine:
    """With a chunk "s" of several kinds of values."""
    engine["s"] = {"theme": "light", "window": {"width": 1, "height": 2}, "list": [1, 2, 3]}
    return engine


@pytest.fixture
def by_hand(engine: SafeChunkEngine) -> Path:
    """The file of the chunk "hand", which a person wrote."""
    file = engine.chunks_path / "hand.json"
    file.write_bytes(BY_HAND.encode())
    return file


# --- get


def test_get(settings: SafeChunkEngine) -> None:
    get = settings.get
    assert get("s", "/window/width") == 1
    assert get("s", "/list/2") == 3
    assert get("s")["theme"] == "light"
    assert get("s", {})["theme"] == "light"
    assert get("none") is None
    assert get("none", {}) == {}
    assert get("none", "text") == "text"
    assert get("none", "/a", 5) == 5
    assert get("s", "/none", 5) == 5
    assert get("s", "/theme/deeper/still") is None
    assert get("s", "/list/7", default=5) == 5
    assert get("none", default="/srv") == "/srv"
    assert get("s", pointer="/theme") == "light"
    assert get("s", "unused", pointer="/theme") == "light"
    assert get("s", "", 5) == get("s")
    assert settings.fetch_value("s", "/theme") == "light"
    with pytest.raises(NotFoundError, match="/none"):
        settings.fetch_value("s", "/none")


def test_get_refuses_mistakes(settings: SafeChunkEngine) -> None:
    untyped: Any = settings
    for call in (
        lambda: settings.get("s", "theme", 1),
        lambda: settings.get("s", pointer="theme"),
        lambda: settings.get("s", "/~2"),
        lambda: settings.get("s", "/list/01"),
        lambda: settings.get("s", pointer="/\ud800"),
    ):
        with pytest.raises(InvalidArgumentError):
            call()
    for call in (
        lambda: untyped.get("s", "/a", 1, 2),
        lambda: untyped.get("s", "/a", 1, default=2),
        lambda: untyped.get("s", "/a", 1, pointer="/b"),
        lambda: untyped.get("s", pointer=5),
        lambda: untyped.get(5),
    ):
        with pytest.raises(TypeError):
            call()


def test_get_parses_only_the_value(engine: SafeChunkEngine, by_hand: Path) -> None:
    seen: list[str] = []
    reader = SafeChunkEngine(
        "project", base_dir=engine.root_dir, read_only=True, parse_float=lambda text: seen.append(text)
    )
    assert reader.get("hand", "/b") == [1, 2]
    assert seen == []
    reader.get("hand", "/a")
    assert seen == ["1.10"]


def test_get_raises_what_it_cannot_say(make_engine: Make, engine: SafeChunkEngine) -> None:
    write_long_ago(engine.chunks_path / "lost.json", "{")
    with pytest.raises(SafeChunkError):
        engine.get("lost", "/a", 1)
    with pytest.raises(SafeChunkError):
        engine.revision("lost")
    strict = make_engine("strict", strict=True)
    for text in ('{"a": 1}', '{"a": 2}'):
        strict.stage_text(text, "c")
        strict.force_sync()
    write_long_ago(strict.chunks_path / "c.json", "{")
    with pytest.raises((HealedError, InvalidEditError)):
        strict.get("c", "/a")


# --- set, unset, merge, patch


def test_edits_of_parts(settings: SafeChunkEngine) -> None:
    assert settings.set("s", "/window/width", 800)
    assert settings.set("s", "/new/deep", [True])
    assert settings.set("s", "/list/-", 4)
    assert settings.unset("s", "/list/0")
    assert settings.merge("s", {"theme": None, "window": {"x": 5}})
    assert settings.patch("s", iter([{"op": "test", "path": "/list/0", "value": 2}]))
    assert settings["s"] == {
        "window": {"width": 800, "height": 2, "x": 5},
        "list": [2, 3, 4],
        "new": {"deep": [True]},
    }
    assert list(settings["s"]) == ["window", "list", "new"]
    assert settings.set("made", "/a/b", 1) and settings["made"] == {"a": {"b": 1}}
    assert settings.set("whole", "", [1]) and settings["whole"] == [1]
    assert settings.is_dirty() and settings.force_sync()
    assert settings["made"] == {"a": {"b": 1}}


def test_numbers_and_texts(settings: SafeChunkEngine) -> None:
    values: list[Any] = [10**5000, BigFloat("1e400"), 1.5, "é\0\U0001f600\ud800", {"~/": None}]
    for value in values:
        settings.set("s", "/n", value)
        found = settings.get("s", "/n")
        assert found == value and repr(type(found)) == repr(type(value))
    settings.set("s", "/n", BigFloat("1e400"))
    assert '"n": 1e400' in (settings.fetch_text("s") or "")
    settings.set("s", "/é~1~0", 1)
    assert settings["s"]["é/~"] == 1


def test_a_file_by_hand_keeps_its_bytes(engine: SafeChunkEngine, by_hand: Path) -> None:
    engine.set("hand", "/b/1", 7)
    with engine.edit("hand") as hand:
        hand["a"] = 2
    assert engine.update("hand", lambda hand: hand["b"].append(8))
    engine.force_sync()
    expected = BY_HAND.replace("1.10", "2").replace("[ 1,2 ]", "[ 1,7, 8 ]")
    assert "".join(by_hand.read_bytes().decode().split()) == "".join(expected.split())
    assert by_hand.read_bytes().decode().startswith('{\r\n  "a": 2, "b":[ 1,7')
    assert by_hand.read_bytes().decode().endswith('\r\n  "twice": 1,\t"twice": 2,\r\n  "big": 1e400\r\n}')


def test_what_does_not_fit_is_raised(settings: SafeChunkEngine) -> None:
    before = settings.fetch_text("s")
    faults: list[Fault] = []
    settings.on_fault = faults.append
    settings.force_sync()
    for error, call in (
        (NotFoundError, lambda: settings.set("s", "/theme/x", 1)),
        (NotFoundError, lambda: settings.set("s", "/list/9", 1)),
        (NotFoundError, lambda: settings.patch("none", [])),
        (NotFoundError, lambda: settings.patch("s", [{"op": "remove", "path": "/none"}])),
        (InvalidArgumentError, lambda: settings.set("s", "theme", 1)),
        (InvalidArgumentError, lambda: settings.patch("s", [{"op": "none"}])),
        (InvalidTypeError, lambda: settings.set("s", "/a", {1, 2})),
        (InvalidJsonError, lambda: settings.set("s", "/a", float("nan"))),
        (InvalidTypeError, lambda: settings.merge("s", {"a": object()})),
        (
            ConflictError,
            lambda: settings.patch("s", [{"op": "test", "path": "/theme", "value": "dark"}]),
        ),
    ):
        with pytest.raises(error):
            call()
    assert settings.unset("s", "/none") is False
    assert settings.unset("none", "/a") is False
    assert settings.fetch_text("s") == before and not settings.is_dirty()
    assert faults == []


def test_trouble_follows_the_rule_of_the_package(engine: SafeChunkEngine, make_engine: Make) -> None:
    engine["s"] = {}
    engine.detach()
    faults: list[Fault] = []
    engine.on_fault = faults.append
    assert engine.set("s", "/a", 1) is False
    assert engine.merge("s", {}) is False
    assert engine.update("s", lambda value: 1) is False
    assert [fault.code for fault in faults] == ["not_owner"] * 3
    with pytest.raises(NotOwnerError):
        with engine.edit("s") as value:
            value["a"] = 1
    strict = make_engine("strict", strict=True)
    with pytest.raises(NotFoundError):
        strict.unset("none", "/a")
    strict.detach()
    with pytest.raises(NotOwnerError):
        strict.set("s", "/a", 1)


def test_parts_survive_a_kill(base: Path) -> None:
    code = """
import os, sys
from safe_chunk_engine import SafeChunkEngine
engine = SafeChunkEngine("project", 3600, sys.argv[1], max_delay=3600)
engine["s"] = {"n": [1]}
engine.set("s", "/n/-", 2)
engine.update("s", lambda s: s.update(more="é"))
os._exit(9)
"""
    assert run_python(code, base, check=False).returncode == 9
    with SafeChunkEngine("project", base_dir=base) as engine:
        assert engine["s"] == {"n": [1, 2], "more": "é"}


# --- conditions


def test_conditions(settings: SafeChunkEngine) -> None:
    revision = settings.revision("s")
    assert settings.revision("none") == ""
    assert settings.set("s", "/theme", "dark", if_revision=revision)
    later = settings.revision("s")
    assert later != revision
    for call in (
        lambda: settings.set("s", "/theme", "x", if_revision=revision),
        lambda: settings.unset("s", "/theme", if_revision=revision),
        lambda: settings.merge("s", {}, if_revision=revision),
        lambda: settings.patch("s", [], if_revision=revision),
        lambda: settings.stage_update(1, "s", if_revision=revision),
        lambda: settings.stage_text("1", "s", if_revision=revision),
        lambda: settings.remove_chunk("s", if_revision=revision),
        lambda: settings.stage_update(1, "s", if_absent=True),
        lambda: settings.set("s", "/a", 1, if_absent=True),
        lambda: settings.set("s", "/a", 1, if_revision=""),
        lambda: settings.stage_update(1, "none", if_revision=later),
    ):
        with pytest.raises(ConflictError):
            call()
    assert settings.revision("s") == later
    assert settings.stage_update(1, "t", if_absent=True)
    assert settings.stage_update(1, "u", if_revision=settings.revision("u"))
    assert settings.remove_chunk("s", if_revision=later)
    for bad in ("x", "é"):
        with pytest.raises(InvalidArgumentError):
            settings.stage_update(1, "t", if_revision=bad)
    with pytest.raises(InvalidArgumentError):
        settings.stage_update(1, "t", if_revision=later, if_absent=True)
    untyped: Any = settings
    for wrong in ({"if_revision": 1}, {"if_absent": 1}):
        with pytest.raises(TypeError):
            untyped.set("t", "/a", 1, **wrong)


# --- update


def test_update(settings: SafeChunkEngine) -> None:
    def in_place(value: Any) -> None:
        value["window"]["width"] += 1
        value["list"].append({"deep": [1]})

    assert settings.update("s", in_place)
    assert settings.get("s", "/window/width") == 2 and settings.get("s", "/list/3/deep/0") == 1
    assert settings.update("s", lambda value: {**value, "theme": "dark"})
    assert settings.get("s", "/theme") == "dark"
    assert settings.update("n", lambda n: n + 1, default=0) and settings["n"] == 1
    assert settings.update("n", lambda n: n + 1, default=0) and settings["n"] == 2
    template: dict[str, list[int]] = {"list": []}
    assert settings.update("made", lambda value: value["list"].append(1), default=template)
    assert settings["made"] == {"list": [1]} and template == {"list": []}
    assert settings.update("keys", lambda keys: {1: "a", None: "b"})
    assert settings["keys"] == {"1": "a", "null": "b"}


def test_update_without_a_difference_stages_nothing(engine: SafeChunkEngine, by_hand: Path) -> None:
    assert engine.update("hand", lambda value: dict(value))
    assert engine.update("none", lambda value: None)
    with engine.edit("hand"), engine.edit("none"):
        pass
    assert not engine.is_dirty() and engine.list_chunks() == ["hand"]


def test_update_that_raises_changes_nothing(settings: SafeChunkEngine) -> None:
    before = settings.fetch_text("s")
    faults: list[Fault] = []
    settings.on_fault = faults.append

    def failing(value: Any) -> None:
        value["theme"] = "dark"
        raise mistake

    for mistake in (ZeroDivisionError("x"), KeyboardInterrupt(), NotOwnerError("mine")):
        with pytest.raises(type(mistake)) as raised:
            settings.update("s", failing)
        assert raised.value is mistake
    with pytest.raises(InvalidTypeError):
        settings.update("s", lambda value: {"a": {1}})
    assert settings.fetch_text("s") == before and faults == []


def test_updates_inside_of_updates(settings: SafeChunkEngine) -> None:
    def outer(value: Any) -> None:
        value["other"] = settings.update("t", lambda t: {"a": 1})
        with pytest.raises(ConflictError):
            settings.update("s", lambda s: 1)

    assert settings.update("s", outer)
    assert settings.get("s", "/other") is True and settings["t"] == {"a": 1}


def test_updates_by_threads_are_all_counted(engine: SafeChunkEngine) -> None:
    def count() -> None:
        for _ in range(500):
            assert engine.update("counter", lambda n: n + 1, default=0)

    threads = [threading.Thread(target=count) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert engine["counter"] == 1000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_update_in_a_forked_child_is_refused(engine: SafeChunkEngine) -> None:
    codes: list[int] = []

    def fork(value: Any) -> None:  # while an update runs, whose end the child will never see
        pid = os.fork()
        if pid == 0:
            refused = engine.update("t", lambda t: 1) is False
            os._exit(0 if refused else 1)
        codes.append(os.waitpid(pid, 0)[1])

    engine.update("s", fork)
    assert codes == [0]


# --- edit


def test_edit(settings: SafeChunkEngine) -> None:
    with settings.edit("s") as s:
        s["theme"] = "dark"
        s["window"]["width"] = True
        del s["window"]["height"]
        s["list"].insert(1, 9)
    assert settings["s"] == {"theme": "dark", "window": {"width": True}, "list": [1, 9, 2, 3]}
    with settings.edit("new", default={"n": [0]}) as new:
        new["n"].append(1)
    assert settings["new"] == {"n": [0, 1]}
    with settings.edit("rows", default=[]) as rows:
        rows.append("a")
    with settings.edit("rows") as rows:
        rows.pop()
    assert settings["rows"] == []
    settings["number"] = 1
    with pytest.raises(TypeError, match="number"), settings.edit("number"):
        pass


def test_edit_that_raises_stages_nothing(settings: SafeChunkEngine) -> None:
    before = settings.fetch_text("s")
    with pytest.raises(ZeroDivisionError), settings.edit("s") as s:
        s["theme"] = 1 / 0
    with pytest.raises(InvalidTypeError), settings.edit("s") as s:
        s["theme"] = {1}
    assert settings.fetch_text("s") == before


@pytest.mark.parametrize("present", [True, False])
def test_edit_of_what_has_changed_is_a_conflict(engine: SafeChunkEngine, present: bool) -> None:
    if present:
        engine["s"] = {"a": 1}
    with pytest.raises(ConflictError), engine.edit("s") as s:
        engine["s"] = {"a": 2}
        s["a"] = 3
    assert engine["s"] == {"a": 2}


# --- differences, through edit()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[1, 2, 3]", [1, 3]),
        ("[1, 2, 3]", [0, 1, 2, 3]),
        ("[1, 2, 3]", []),
        ("[1, 2, 3]", [3, 2, 1, 0]),
        ("[[1], [2]]", [[1], [2, 3]]),
        ("[1, 1.0, true, null, 0]", [True, 1, 1, 0, None]),
        ("[1e400, -0.0]", [BigFloat("1e500"), 0.0]),
        (str(list(range(500))), [0]),
        (str(list(range(3000))), list(range(3000, 0, -1))),
        ('{"a": 1, "b": 2, "c": {"d": []}}', {"a": 1, "c": {"d": {}}, "e": 1, "f": 2}),
        ('{"a": 1, "b": 2}', {"b": 2, "a": 1}),
        ('{"a": 1, "b": 2}', {"x": 0, "a": 1, "b": 2}),
        ('{"/": {"~1": 1}, "": {"": 2}}', {"/": {"~1": 2}, "": {"": {}}}),
        ('{"\\ud800": {"a": 1}}', {"\ud800": {"a": 2}}),
        ('{"a": {"b": 1}}', {"a": [1]}),
        ('{"a": 1}', {"a": 1, "k" * 70_000: 1}),
    ],
)
def test_differences(engine: SafeChunkEngine, before: str, after: Any) -> None:
    engine.stage_text(before, "c")
    with engine.edit("c") as value:
        if isinstance(value, list):
            value[:] = after
        else:
            value.clear()
            value.update(after)
    assert repr(engine["c"]) == repr(after)


def test_differences_of_any_two_values(engine: SafeChunkEngine) -> None:
    for seed in range(400):
        draw = random.Random(seed)

        def value(depth: int) -> Any:
            kind = draw.randrange(4 if depth else 2)
            if kind == 2:
                return [value(depth - 1) for _ in range(draw.randrange(4))]
            if kind == 3:
                names = draw.sample(["a", "b", "/", "~", "", "é"], draw.randrange(5))
                return {name: value(depth - 1) for name in names}
            return draw.choice([0, 1, 1.0, -0.0, True, None, "", "x", BigFloat("1e999")])

        before, after = value(3), value(3)
        engine["c"] = before
        assert engine.update("c", lambda now: copy.deepcopy(after)) or after is None, seed
        expected = before if after is None else after  # None: what was changed in place
        assert repr(engine["c"]) == repr(expected), seed


def test_differences_of_deep_values(make_engine: Make) -> None:
    engine = make_engine(depth_limit=3000)
    deep: Any = []
    for _ in range(2998):
        deep = [deep]
    engine["c"] = deep
    assert engine.update("c", lambda value: [deep[0], 1])
    assert engine.fetch_text("c") is not None
    engine["d"] = {"a": deep}
    assert engine.update("d", lambda value: value.update(b=1))

    def at_the_bottom(value: Any) -> None:
        while value:
            value = value[0]
        value.append(1)

    assert engine.update("c", lambda value: at_the_bottom(value[0]))


def test_functions_for_numbers_change_nothing_else(make_engine: Make) -> None:
    engine = make_engine(parse_float=decimal.Decimal, default=float)
    engine.stage_text('{"a": 1.10, "b": 1}', "c")

    def double(value: Any) -> None:
        assert isinstance(value["a"], decimal.Decimal)
        value["b"] = 2

    engine.update("c", double)
    assert '"a": 1.10' in (engine.fetch_text("c") or "")


# --- transactions


def test_transactions(settings: SafeChunkEngine) -> None:
    with settings.transaction() as both:
        assert both.read("s")["theme"] == "light"
        assert both.read("none") is None and both.read("none", {}) == {}
        both.set("s", "/a", {})
        both.set("s", "/a/b", 1)
        both["t"] = {"c": 1}
        both.merge("t", {"d": 2})
        both.patch("t", [{"op": "copy", "from": "/d", "path": "/e"}])
        both.unset("s", "/window")
        both.require("none", if_absent=True)
    assert settings.get("s", "/a/b") == 1 and settings.get("s", "/window") is None
    assert settings["t"] == {"c": 1, "d": 2, "e": 2}
    faults: list[Fault] = []
    settings.on_fault = faults.append
    with pytest.raises(NotFoundError), settings.transaction() as both:
        both.set("t", "/c", 9)
        both.unset("s", "/none")
    with pytest.raises(ConflictError), settings.transaction() as both:
        both.read("s")
        settings.set("s", "/theme", "dark")
        both.set("t", "/c", 9)
    with pytest.raises(ConflictError), settings.transaction() as both:
        both.require("s", if_absent=True)
        both.set("t", "/c", 9)
    assert settings.get("t", "/c") == 1 and faults == []


# --- asyncio


def test_asyncio(engine: SafeChunkEngine) -> None:
    async def run() -> None:
        value = {"a": 1}
        waiting = engine.set_async("s", "/x", value)
        value["a"] = 2
        assert await waiting
        assert await engine.get_async("s", "/x/a", 0) == 1
        assert await engine.merge_async("s", {"y": 1})
        assert await engine.patch_async("s", [{"op": "remove", "path": "/x"}])
        assert await engine.update_async("s", lambda s: s.update(z=1))
        assert await engine.unset_async("s", "/y")
        async with engine.edit("s") as s:
            s["w"] = 1
        revision = await engine.revision_async("s")
        assert await engine.stage_update_async({"v": 1}, "s", if_revision=revision)
        with pytest.raises(ConflictError):
            await engine.stage_update_async({"v": 1}, "s", if_revision=revision[::-1])
        with pytest.raises(InvalidTypeError):
            engine.set_async("s", "/x", {1})

    asyncio.run(run())
    assert engine["s"] == {"v": 1}


def test_other_engines_see_it(engine: SafeChunkEngine) -> None:
    engine.set("s", "/a", 1)
    reader = SafeChunkEngine("project", NEVER, engine.root_dir, read_only=True)
    engine.force_sync()
    assert reader.get("s", "/a") == 1 and reader.revision("s") == engine.revision("s")


# Kills: a function that gave None by mistake, and with it the whole chunk.
@pytest.mark.parametrize("changes", [None, [1], "text", 3])
def test_a_merge_takes_a_mapping(tmp_path, changes):
    with SafeChunkEngine("p", base_dir=tmp_path, strict=True) as engine:
        engine.stage_update({"a": 1}, "c")
        with pytest.raises(TypeError, match="merge"):
            engine.merge("c", changes)
        with pytest.raises(TypeError, match="merge"), engine.transaction() as transaction:
            transaction.merge("c", changes)
        assert engine.fetch_chunk("c") == {"a": 1}
