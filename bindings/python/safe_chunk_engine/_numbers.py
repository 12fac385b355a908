"""Numbers that JSON can hold and Python's own conversions refuse or change."""

from __future__ import annotations

import re

_PIECE = 600  # digits that int() and str() convert, whatever sys.set_int_max_str_digits() says
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")


def integer_of(text: str) -> int:
    """int(text) for text of any length. Called by the extension module."""
    if text.startswith("-"):
        return -integer_of(text[1:])
    if len(text) <= _PIECE:
        return int(text)
    low = len(text) // 2
    high = integer_of(text[:-low])
    power: int = 10**low
    return high * power + integer_of(text[-low:])


def text_of(number: int) -> str:
    """repr(number) for integers of any size. Called by the extension module."""
    plain = int.__add__(number, 0)  # without what a class derived from int has overridden
    if plain < 0:
        return "-" + text_of(-plain)
    powers = [10**_PIECE]
    while powers[-1] <= plain:
        powers.append(powers[-1] ** 2)

    def digits(value: int, level: int) -> str:
        if level < 0:
            return str(value).zfill(_PIECE)
        high, low = divmod(value, powers[level])
        return digits(high, level - 1) + digits(low, level - 1)

    return digits(plain, len(powers) - 1).lstrip("0") or "0"


class BigFloat(float):
    """A number of a JSON text that float cannot hold, as ``1e400``. In calculations it is infinite;
    ``text`` is what the file says, and what is saved again."""

    text: str

    def __new__(cls, text: str) -> BigFloat:
        """A number from its JSON text."""
        if not _NUMBER.match(text):
            raise ValueError(f"not a JSON number: {text!r}")
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __reduce__(self) -> tuple[type[BigFloat], tuple[str]]:
        return BigFloat, (self.text,)

    def __copy__(self) -> BigFloat:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> BigFloat:
        return self

    def __repr__(self) -> str:
        return f"BigFloat({self.text!r})"
