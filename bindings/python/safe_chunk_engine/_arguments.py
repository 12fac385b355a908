"""Checks of the arguments of public methods."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any, TypeVar

from . import _core
from .errors import InvalidArgumentError, InvalidNameError

Default = Callable[[Any], object]
_NO_CONDITION = _core.Condition(None, False)
_NO_LIMIT = 2**31 - 1  # milliseconds; 24 days


def checked_merge(text: str, changes: object) -> str:
    """The text of a JSON Merge Patch. By RFC 7396 one that is no object takes the place of the whole
    chunk; a function that gave None by mistake must not do that."""
    if not text.startswith("{"):
        raise TypeError(
            f"merge() takes a mapping, not {type(changes).__name__}; "
            "stage_update() replaces a whole chunk"
        )
    return text


def checked_name(name: object, what: str = "chunk name") -> str:
    if not isinstance(name, str):
        raise TypeError(f"the {what} must be str, not {type(name).__name__}")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidNameError(f"{what} is not valid Unicode") from None
    if "\0" in name:
        raise InvalidNameError(f"{what} holds a control character")
    return name


def checked_pointer(pointer: object) -> str:
    if not isinstance(pointer, str):
        raise TypeError(f"the pointer must be str, not {type(pointer).__name__}")
    try:
        pointer.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError("the pointer is not valid Unicode") from None
    return pointer


def checked_condition(if_revision: object, if_absent: object = False) -> _core.Condition:
    """A condition of an edit. The empty revision is that of a chunk that is not there."""
    if if_revision is None and if_absent is False:
        return _NO_CONDITION
    if if_revision is not None and not isinstance(if_revision, str):
        raise TypeError(f"if_revision must be str, not {type(if_revision).__name__}")
    absent = checked_bool(if_absent, "if_absent")
    if if_revision == "":
        return _core.Condition(None, True)
    if if_revision is not None and not if_revision.isascii():
        raise InvalidArgumentError("if_revision is no revision")
    return _core.Condition(if_revision, absent)


def checked_base_dir(base_dir: str | os.PathLike[str] | os.PathLike[bytes] | None) -> str:
    base = os.fspath(base_dir) if base_dir is not None else ""
    if not isinstance(base, str):
        raise TypeError(f"base_dir must be str or os.PathLike, not {type(base).__name__}")
    return os.path.expanduser(base)


def milliseconds(seconds: object, what: str) -> float:
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        raise TypeError(f"{what} must be a number of seconds, not {type(seconds).__name__}")
    if math.isnan(seconds) or seconds < 0:
        raise InvalidArgumentError(f"{what} must not be negative")
    return float(min(seconds * 1000, _NO_LIMIT))


def checked_integer(value: object, what: str, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{what} must be int, not {type(value).__name__}")
    if not 0 <= value <= most:
        raise InvalidArgumentError(f"{what} must be between 0 and {most}")
    return value


def checked_bool(value: object, what: str) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{what} must be bool, not {type(value).__name__}")
    return value


MODES = ("owner", "shared", "read")  # the numbers of safechunk::Mode


def checked_mode(mode: object, read_only: bool) -> int:
    """The number of the mode."""
    if isinstance(mode, int):
        raise InvalidArgumentError(
            f"mode must be one of {', '.join(MODES)}; for what files allow, give file_mode={mode:#o}"
        )
    if mode not in MODES:
        raise InvalidArgumentError(f"mode must be one of {', '.join(MODES)}")
    if read_only and mode == "shared":
        raise InvalidArgumentError("read_only=True and mode='shared' exclude each other")
    return MODES.index("read" if read_only else str(mode))


def checked_timeout(seconds: object) -> float:
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        raise TypeError(f"lock_timeout must be a number of seconds, not {type(seconds).__name__}")
    if not seconds >= 0:
        raise InvalidArgumentError("lock_timeout must not be negative")
    return float(seconds)


def checked_file_name(filename: object, zip_name: object) -> str:
    """One name of a checkpoint, under either parameter."""
    if (filename is None) == (zip_name is None):
        raise TypeError("give the checkpoint's file name once: filename= or zip_name=")
    return checked_name(filename if zip_name is None else zip_name, "checkpoint")


def checked_path(path: str | os.PathLike[str], what: str) -> bytes:
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise InvalidNameError(f"the {what} holds a NUL byte")
    return encoded


def _is_path(name: object) -> bool:
    return isinstance(name, str) and "/" in name


def checked_archive(
    filename: str | os.PathLike[str] | None, zip_name: str | os.PathLike[str] | None
) -> tuple[str, bytes]:
    """The name of a checkpoint, or the path of an archive, for people and for the core. Of a
    ``Path`` the core gets a slash, which tells it from a name."""
    given = filename if zip_name is None else zip_name
    if given is None or (filename is not None and zip_name is not None):
        raise TypeError("give the checkpoint's file name once: filename= or zip_name=")
    if isinstance(given, os.PathLike):
        path = os.fspath(given)
        given = path if "/" in path else f"./{path}"
    elif not _is_path(given):
        name = checked_name(given, "checkpoint")
        return name, name.encode()
    return given, checked_path(given, "archive")


_Handler = TypeVar("_Handler")


def checked_handler(handler: _Handler) -> _Handler:
    if handler is not None and not callable(handler):
        raise TypeError(f"a handler must be callable or None, not {type(handler).__name__}")
    return handler
