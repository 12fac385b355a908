"""Numbers that Python's own conversions refuse or change: they survive, whatever their size."""

from __future__ import annotations

import copy
import decimal
import math
import pickle
import random
import sys

import pytest
from safe_chunk_engine import BigFloat, InvalidJsonError, SafeChunkEngine, _core, _numbers

DIGITS = 5000


def test_integers_of_any_size(engine: SafeChunkEngine) -> None:
    values = [10**4299, 10**4300, -(10**DIGITS), 1 << 20000, 10**DIGITS - 1, 7 * 10**640]
    engine["c"] = values
    engine.force_sync()
    assert engine["c"] == values
    assert all(type(value) is int for value in engine["c"])
    engine.stage_text('{"rows": [1, ' + "9" * DIGITS + "]}", "text")
    found = engine["text"]
    assert found["rows"][1] == 10**DIGITS - 1
    engine["again"] = found
    assert engine.fetch_chunk("again") == found


def test_they_need_no_change_of_the_limit(engine: SafeChunkEngine) -> None:
    before = sys.get_int_max_str_digits()
    try:
        sys.set_int_max_str_digits(640)
        engine["c"] = 10**1000
        assert engine["c"] == 10**1000
    finally:
        sys.set_int_max_str_digits(before)


def test_conversions_agree_with_pythons() -> None:
    generator = random.Random(7)
    numbers = [0, 1, -1, 10**600, 10**600 - 1, 10**1200 - 1, -(10**1200)]
    numbers += [generator.getrandbits(bits) for bits in (1, 64, 1990, 2000, 4000, 13000)]
    for number in numbers:
        assert _numbers.text_of(number) == str(number)
        assert _numbers.integer_of(str(number)) == number


def test_classes_derived_from_int_are_numbers(engine: SafeChunkEngine) -> None:
    class Odd(int):
        def __repr__(self) -> str:
            return "odd"

        __str__ = __repr__

    engine["c"] = Odd(10**DIGITS)
    assert engine["c"] == 10**DIGITS


def test_numbers_beyond_float_keep_their_text(engine: SafeChunkEngine) -> None:
    engine.stage_text('{"a": 1e400, "b": -12.5E+999, "c": 1e308, "d": 1e-400}', "c")
    found = engine["c"]
    assert found["a"] == math.inf and found["b"] == -math.inf
    assert isinstance(found["a"], BigFloat) and found["a"].text == "1e400"
    assert repr(found["b"]) == "BigFloat('-12.5E+999')"
    assert type(found["c"]) is float and type(found["d"]) is float
    assert engine.stage_update(found, "again")
    assert engine.fetch_text("again") == (
        '{\n    "a": 1e400,\n    "b": -12.5E+999,\n    "c": 1e+308,\n    "d": 0.0\n}\n'
    )
    for copied in (copy.deepcopy(found["a"]), pickle.loads(pickle.dumps(found["a"]))):
        assert isinstance(copied, BigFloat) and copied.text == "1e400"
    with pytest.raises(InvalidJsonError, match="Infinity is not JSON"):
        engine["c"] = found["a"] * 2  # a plain infinity
    for text in ("", "inf", "1e400x", "01", "0x1"):
        with pytest.raises(ValueError, match="not a JSON number"):
            BigFloat(text)


def test_hooks_are_called_as_by_json(make_engine: type[SafeChunkEngine]) -> None:
    engine = make_engine(parse_int=str, parse_float=decimal.Decimal)  # type: ignore[call-arg]
    engine.stage_text('[1, -20, 1.10, 1e400, true, "3"]', "c")
    expected = ["1", "-20", decimal.Decimal("1.10"), decimal.Decimal("1e400"), True, "3"]
    assert engine["c"] == expected
    assert engine.fetch_chunk("c") == expected


def test_an_error_names_the_chunk(make_engine: type[SafeChunkEngine]) -> None:
    engine = make_engine(parse_int=int)  # type: ignore[call-arg]
    engine.stage_text("[" + "9" * DIGITS + "]", "rows")
    for read in (lambda: engine["rows"], lambda: engine.fetch_chunk("rows")):
        with pytest.raises(InvalidJsonError, match="4300 digits.*chunk 'rows'"):
            read()


def test_a_hook_may_raise_anything(make_engine: type[SafeChunkEngine]) -> None:
    def refuse(text: str) -> None:
        raise LookupError(text)

    engine = make_engine(parse_float=refuse)  # type: ignore[call-arg]
    engine["c"] = {"deep": [[1, {"x": [2, 0.5]}]]}
    with pytest.raises(LookupError, match="0.5"):
        engine.fetch_chunk("c")


def test_load_is_the_reverse_of_dump() -> None:
    for value in (10**DIGITS, BigFloat("1e400"), [-(10**DIGITS), BigFloat("-1e999")]):
        assert _core.load(_core.dump(value, None, 10)) == value
