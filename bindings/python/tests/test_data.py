"""What goes in comes out: against the json module; and what JSON cannot hold is refused, by place."""

from __future__ import annotations

import collections
import enum
import gc
import json
import math
import random
import struct
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from safe_chunk_engine import (
    BigFloat,
    InvalidJsonError,
    InvalidTypeError,
    SafeChunkEngine,
    TooDeepError,
    TooLargeError,
    _core,
)


class Color(enum.IntEnum):
    RED = 3


class Word(str):
    pass


class Point(NamedTuple):
    x: int
    y: float


def dump(value: object) -> str:
    return _core.dump(value, None, 1024)


def reference(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    2**63 - 1,
    -(2**63),
    2**64,
    10**30,
    -(10**100),
    0.0,
    -0.0,
    0.1,
    1e16,
    1e15,
    123456789012345680.0,
    1e-4,
    1e-5,
    5e-324,
    1.7976931348623157e308,
    "",
    "a",
    "plain",
    "exactly8",
    'quote " backslash \\ slash /',
    "\x00\x01\x1f\x7f\b\f\n\r\t",
    "é",
    "日本語",
    "😀 mixed é",
    "a" * 5000 + '"',
    "é" * 5000,
    "😀" * 3000,
    [],
    {},
    [[]],
    {"": {}},
    [1, [2, [3, {}]], {"a": [None]}],
    (1, 2),
    {"k": (), "l": [True, False, None]},
    {1: "int", 2.5: "float", None: "none", True: "bool is 1"},
    collections.OrderedDict([("z", 1), ("a", 2)]),
    collections.defaultdict(list, {"x": [1]}),
    Color.RED,
    Word("word"),
    Point(1, 2.5),
    {Word("key"): Color.RED},
]


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_text_is_that_of_json(value: Any) -> None:
    expected = reference(value)
    assert dump(value) == expected
    loaded = _core.load(expected)
    assert loaded == json.loads(expected)
    assert repr(loaded) == repr(json.loads(expected))  # also -0.0 and types


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_values_survive_the_disk(engine: SafeChunkEngine, value: Any) -> None:
    expected = json.loads(reference(value))
    assert engine.stage_update(value, "c")
    assert repr(engine.fetch_chunk("c")) == repr(expected)
    assert engine.force_sync()
    assert repr(engine.fetch_chunk("c")) == repr(expected)
    assert json.loads((engine.chunks_path / "c.json").read_text("utf-8")) == expected


def test_random_floats_are_written_as_repr_and_read_exactly() -> None:
    random_bits = random.Random(4)
    for _ in range(200_000):
        value = struct.unpack("<d", random_bits.randbytes(8))[0]
        if not math.isfinite(value):
            continue
        text = repr(value)
        assert dump(value) == text
        assert _core.load(text) == value
    for _ in range(50_000):
        value = random_bits.randint(-(10**17), 10**17) / 10 ** random_bits.randint(0, 20)
        assert dump(value) == repr(value)


def random_value(source: random.Random, depth: int) -> Any:
    kind = source.randrange(9 if depth > 0 else 6)
    if kind == 0:
        return source.choice([None, True, False])
    if kind == 1:
        return source.randint(-(2**70), 2**70) >> source.randrange(70)
    if kind == 2:
        return source.uniform(-1e10, 1e10) * 10 ** source.randint(-20, 20)
    if kind < 6:
        alphabet = source.choice(["abc", 'a"\\\n\x01', "aé", "日a本", "😀a\ud800", "\udfff"])
        text = "".join(source.choices(alphabet, k=source.randrange(40)))
        # Such a pair is refused; see below.
        return text.replace("\ud800\udfff", "")
    if kind < 8:
        return [random_value(source, depth - 1) for _ in range(source.randrange(6))]
    keys = ("".join(source.choices("abcdé\"", k=source.randrange(12))) for _ in range(6))
    return {key: random_value(source, depth - 1) for key in keys}


def test_random_values_survive() -> None:
    source = random.Random(5)
    for _ in range(3000):
        value = random_value(source, 5)
        text = dump(value)
        assert json.loads(text) == value
        for separators in ((",", ":"), (" ,\n", " :\t")):
            other = json.dumps(value, separators=separators, indent=source.choice([None, 2]))
            assert _core.load(other) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":1,"a":2}', {"a": 2}),
        ("1e400", math.inf),
        ("-1e400", -math.inf),
        ("1e-400", 0.0),
        ("Infinity", math.inf),
        ("-Infinity", -math.inf),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\ud83d"', "\ud83d"),
        ('"\\ude00\\ud83d"', "\ude00\ud83d"),
        ('"\\ud83d\\u0041"', "\ud83dA"),
        ('"\\/\\u00e9"', "/é"),
        (" [ 1 , { } ] ", [1, {}]),
        ("-0", 0),
        ("1E+2", 100.0),
    ],
)
def test_text_is_read_as_json_does(text: str, value: Any) -> None:
    assert _core.load(text) == value == json.loads(text)
    expected = BigFloat if "1e400" in text else type(json.loads(text))
    assert type(_core.load(text)) is expected


def test_nan_is_read() -> None:
    assert math.isnan(_core.load("NaN"))


@pytest.mark.parametrize(
    "text",
    ["", " ", "{", "[1", "[1,", '{"a"', '{"a":', '{"a":1', "[1}", '"a', '"\\u12', '"\\ud83d\\u1"',
     "tru", "nul", "-", "1 2", "{1:2}", "[,]", '{"a" 1}', "\\", "]", "N", "-I"],
)
def test_text_that_is_not_json_is_an_error_and_no_crash(text: str) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        _core.load(text)


def test_every_truncation_and_change_of_a_text_is_survived() -> None:
    text = '{"a": [1, -2.5e3, "x\\u00e9\\ud83d", true, null], "b": {"c": NaN}}'
    for end in range(len(text)):
        with pytest.raises(ValueError, match="not JSON"):
            _core.load(text[:end])
    source = random.Random(6)
    for _ in range(20_000):
        changed = list(text)
        changed[source.randrange(len(text))] = source.choice('{}[]",:\\x1-eNt')
        try:
            _core.load("".join(changed))
        except ValueError:
            continue


# --- refusing


@pytest.mark.parametrize(
    ("value", "error", "path", "words"),
    [
        ({"users": [0, 1, 2, {"tags": {1}}]}, InvalidTypeError, "users[3].tags", "type set"),
        ({1}, InvalidTypeError, "", "type set"),
        (b"bytes", InvalidTypeError, "", "type bytes"),
        ([[math.nan]], InvalidJsonError, "[0][0]", "NaN"),
        ({"a": math.inf}, InvalidJsonError, "a", "Infinity"),
        ({"a": {1: 0, "1": 0}}, InvalidJsonError, "a[1]", "same text"),
        ({"a": {True: 0, "true": 0}}, InvalidJsonError, "a", "same text"),
        ({"a b": [object()]}, InvalidTypeError, '["a b"][0]', "type object"),
        ({"x": {(1, 2): 3}}, InvalidTypeError, "x", "tuple"),
        ({math.nan: 1}, InvalidJsonError, "[nan]", "NaN"),
        (["\ud83d\ude00"], InvalidJsonError, "[0]", "surrogates"),
        (collections.OrderedDict(a=[{2}]), InvalidTypeError, "a[0]", "type set"),
    ],
)
def test_what_json_cannot_hold_is_refused_by_place(
    engine: SafeChunkEngine, value: Any, error: type[Exception], path: str, words: str
) -> None:
    engine.stage_update("before", "c")
    with pytest.raises(error, match=words) as raised:
        engine.stage_update(value, "c")
    assert isinstance(raised.value, (InvalidTypeError, InvalidJsonError))
    assert isinstance(raised.value, (TypeError, ValueError))
    assert (raised.value.json_path or "").startswith(path)
    assert engine.fetch_chunk("c") == "before"


def test_cycles_are_refused(engine: SafeChunkEngine) -> None:
    cycle: list[Any] = [1]
    cycle.append({"again": cycle})
    with pytest.raises(InvalidJsonError, match="holds itself") as raised:
        engine.stage_update({"top": cycle}, "c")
    assert raised.value.json_path == "top[1].again"


def test_depth_is_limited_without_using_the_stack(engine: SafeChunkEngine, make_engine: Any) -> None:
    def nested(depth: int) -> list[Any]:
        value: list[Any] = []
        for _ in range(depth - 1):
            value = [value]
        return value

    assert engine.stage_update(nested(1024), "c")
    with pytest.raises(TooDeepError):
        engine.stage_update(nested(1025), "c")
    deep = make_engine("deep", depth_limit=200_000, indent=0)
    assert deep.stage_update(nested(200_000), "c")
    found = deep.fetch_chunk("c")
    depth = 0
    while found:
        [found] = found
        depth += 1
    assert depth == 199_999


# Kills: looking for the place of what is too deep in an outer value that does not exist.
def test_depth_limit_0_allows_plain_values_only(make_engine: Any) -> None:
    flat = make_engine("flat", depth_limit=0)
    assert flat.stage_update(1, "c")
    for value in ([], {}, [1], {"a": []}):
        with pytest.raises(TooDeepError) as raised:
            flat.stage_update(value, "c")
        assert raised.value.json_path == ""
    assert flat.fetch_chunk("c") == 1


# Kills: comparing each level with each other one, which takes minutes, with the GIL held.
def test_too_deep_is_refused_fast_at_the_highest_limit(make_engine: Any) -> None:
    value: list[Any] = []
    for _ in range(1_000_000):
        value = [value]
    deep = make_engine("deep", depth_limit=1_000_000)
    with pytest.raises(TooDeepError) as raised:
        deep.stage_update(value, "c")
    assert raised.value.json_path == "[0]"


def test_too_large_is_refused(make_engine: Any) -> None:
    small = make_engine("small", chunk_size_limit=100)
    assert small.stage_update("x" * 90, "c")
    with pytest.raises(TooLargeError):
        small.stage_update("x" * 100, "c")


# --- default=


def test_default_hook(engine: SafeChunkEngine, make_engine: Any) -> None:
    value = {"set": {3}, "nested": [{1, 2}]}
    assert engine.stage_update(value, "c", default=sorted)
    assert engine.fetch_chunk("c") == {"set": [3], "nested": [[1, 2]]}
    with_hook = make_engine("hook", default=str)
    with_hook.stage_update({"path": object}, "c")
    assert with_hook.fetch_chunk("c") == {"path": "<class 'object'>"}
    with_hook["d"] = complex(1, 2)
    assert with_hook["d"] == "(1+2j)"


def test_default_hook_that_raises_or_never_ends(engine: SafeChunkEngine) -> None:
    with pytest.raises(ZeroDivisionError):
        engine.stage_update({1}, "c", default=lambda value: 1 // 0)
    with pytest.raises(InvalidJsonError, match="default"):
        engine.stage_update({1}, "c", default=lambda value: value)
    with pytest.raises(TooDeepError):
        engine.stage_update({1}, "c", default=lambda value: [value])
    assert engine.fetch_chunk("c") == {}


def test_default_hook_may_replace_the_key_that_is_being_written(engine: SafeChunkEngine) -> None:
    for number in range(50):
        value: dict[str, Any] = {f"key {number} of a dictionary": object()}
        litter = []

        def hook(_: object, value: dict[str, Any] = value, litter: list[bytes] = litter) -> object:
            value.clear()
            value["another"] = 1
            litter.extend(bytes([65 + i % 20]) * 64 for i in range(2000))
            return object()

        with pytest.raises(ValueError, match=f"key {number} of a dictionary"):
            engine.stage_update(value, "c", default=hook)


def test_default_hook_may_change_what_is_written(engine: SafeChunkEngine) -> None:
    shrinking: list[Any] = [{1}, "x", "y"]
    engine.stage_update(shrinking, "c", default=lambda value: shrinking.clear())
    assert engine.fetch_chunk("c") == [None]
    growing: dict[str, Any] = {"a": {1}, "b": 2}
    with pytest.raises(RuntimeError, match="changed its size"):
        engine.stage_update(growing, "c", default=lambda value: growing.clear())


# --- copies


def test_results_are_private_copies(engine: SafeChunkEngine) -> None:
    data = {"list": [1]}
    engine.stage_update(data, "c")
    data["list"].append(2)
    first = engine.fetch_chunk("c")
    first["list"].append(3)
    assert engine.fetch_chunk("c") == {"list": [1]}


def test_text_in_and_out(engine: SafeChunkEngine) -> None:
    engine.stage_text('{"n": 1.10, "n": 1e400}', "c")
    assert engine.fetch_text("c") == '{\n    "n": 1.10,\n    "n": 1e400\n}\n'
    assert engine.fetch_text("absent") is None
    with pytest.raises(InvalidJsonError) as raised:
        engine.stage_text('{\n"a" 1}', "c")
    assert (raised.value.line, raised.value.column) == (2, 5)


def test_no_reference_leaks() -> None:
    values = [{"a": [1, 2.5, "x", {"b": None}]}, [collections.OrderedDict(a={"c": 1})]]
    texts = ['{"a": ["b\\u00e9", 12345678901234567890, {}]}', "[1, {", '{"a": tru}']

    def quietly(call: Callable[..., object], *arguments: object) -> None:
        try:
            call(*arguments)
        except ValueError:
            pass

    def work() -> None:
        for value in values:
            dump(value)
            quietly(dump, [value, math.nan])
            _core.dump([{1}], sorted, 9)
        for text in texts:
            quietly(_core.load, text)

    for _ in range(5):
        work()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(300):
        work()
    gc.collect()
    assert sys.getallocatedblocks() - before < 100
