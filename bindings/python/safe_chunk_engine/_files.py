"""Edits of single values in JSON files that belong to other programs, without an engine."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from . import _core
from ._arguments import (
    checked_bool,
    checked_integer,
    checked_merge,
    checked_pointer,
    checked_timeout,
    milliseconds,
)
from .errors import InvalidArgumentError

_DIALECTS = ("json", "jsonc")  # the numbers of safechunk::Dialect
_KINDS = {"set": 1, "unset": 2, "merge": 3, "patch": 4}  # the numbers of safechunk::FileEdit::Kind
_DEPTH = 1024
_MOST_INDENT = 16

_Edit = tuple[int, str, str]


class FileEditResult(NamedTuple):
    """What edit_file() did."""

    changed: bool
    """False: the file had these values already, and was not written."""
    revision: str
    """Names the values in the file now; white space and comments do not count."""


class FileRead(NamedTuple):
    """What read_json_file() found."""

    text: str
    """The text of the file, with comments."""
    value: Any
    """The text as a value."""
    revision: str
    """For edit_file(if_revision=...)."""


def edit_file(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    edits: Iterable[tuple[Any, ...]] = (),
    *,
    set: Mapping[str, object] | None = None,
    unset: str | Iterable[str] = (),
    merge: Mapping[str, object] | None = None,
    patch: Iterable[Mapping[str, object]] | None = None,
    dialect: str = "json",
    indent: int = 4,
    lock_timeout: float = 10.0,
    if_revision: str | None = None,
    create: bool = False,
    backup: bool = True,
) -> FileEditResult:
    """Edits single values in a JSON file of any program, all of them or none.

        edit_file("settings.json", set={"/editor/fontSize": 14}, dialect="jsonc")
        edit_file("settings.json", unset="/editor/theme")
        edit_file("settings.json", [("set", "/a", 1), ("unset", "/b"), ("merge", {"c": None})])

    Outside of the values every byte of the file stays: comments, order, indentation, line ends. The
    file is replaced at one instant, and durable when the call returns. The version before is kept as
    ``.NAME.safechunk/NAME.bak`` beside it. Processes that edit one file at once do so in turn.

    A file that an engine has opened once (open_file, SafeChunkEngine.in_place) is edited in a turn of that place. A
    version that another program saves in the same moment is then replaced: it is kept in quarantine, and a
    RuntimeWarning says where.

    :param edits: tuples of a kind and its arguments: ``("set", pointer, value)``,
        ``("unset", pointer)``, ``("merge", changes)``, ``("patch", operations)``. They are made
        first, then `set`, `unset`, `merge` and `patch`, in this order
    :param set: values by their pointers
    :param unset: one pointer, or several
    :param merge: a JSON Merge Patch: None removes a member
    :param patch: a JSON Patch
    :param dialect: "jsonc" for a file with comments, or a comma behind the last member
    :param indent: blanks per level where the file shows no layout
    :param lock_timeout: seconds to wait for other edits, and for a program that writes the file
    :param if_revision: only when the file has this revision
    :param create: make a missing file, for set and merge
    :param backup: keep the version before
    :raises NotFoundError: there is no such file, or the pointer leads nowhere
    :raises InvalidJsonError: the file is no JSON; ``line`` and ``column`` say where
    :raises ConflictError: `if_revision`, or a test of a patch
    :raises LockedError: other edits took longer than `lock_timeout`
    :raises BeingEditedError: a program has it open for writing longer than `lock_timeout`
    :raises StorageError: whatever the system says; a part of the file is never written
    """
    parts = [_part(edit) for edit in edits]
    parts += [_set(pointer, value) for pointer, value in (set or {}).items()]
    pointers = [unset] if isinstance(unset, str) else unset
    parts += [_unset(pointer) for pointer in pointers]
    if merge is not None:
        parts.append(_merge(merge))
    if patch is not None:
        parts.append(_patch(patch))
    changed, revision, faults = _core.edit_file(
        os.fsencode(path),
        parts,
        _dialect(dialect),
        checked_integer(indent, "indent", _MOST_INDENT),
        milliseconds(checked_timeout(lock_timeout), "lock_timeout"),
        _revision(if_revision),
        checked_bool(create, "create"),
        checked_bool(backup, "backup"),
    )
    for fault in faults:
        warnings.warn(f"{os.fsdecode(path)}: {fault}", RuntimeWarning, stacklevel=2)
    return FileEditResult(changed, revision)


def read_json_file(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes], *, dialect: str = "json"
) -> FileRead:
    """Reads a JSON file of any program, without a lock. Raises as edit_file()."""
    return FileRead(*_core.read_json_file(os.fsencode(path), _dialect(dialect)))


def _dialect(dialect: object) -> int:
    if dialect not in _DIALECTS:
        raise InvalidArgumentError(f"dialect must be one of {', '.join(_DIALECTS)}")
    return _DIALECTS.index(str(dialect))


def _revision(text: object) -> str | None:
    if text is None or isinstance(text, str):
        return text
    raise TypeError(f"if_revision must be str, not {type(text).__name__}")


def _part(edit: tuple[Any, ...]) -> _Edit:
    kind, *arguments = edit
    if kind not in _MAKERS:
        raise InvalidArgumentError(f"the kind of an edit must be one of {', '.join(_MAKERS)}")
    return _MAKERS[kind](*arguments)


def _set(pointer: object, value: object) -> _Edit:
    return (_KINDS["set"], checked_pointer(pointer), _core.dump(value, None, _DEPTH))


def _unset(pointer: object) -> _Edit:
    return (_KINDS["unset"], checked_pointer(pointer), "")


def _merge(changes: object) -> _Edit:
    return (_KINDS["merge"], "", checked_merge(_core.dump(changes, None, _DEPTH), changes))


def _patch(operations: Iterable[Mapping[str, object]]) -> _Edit:
    return (_KINDS["patch"], "", _core.dump(list(operations), None, _DEPTH))


_MAKERS: dict[str, Callable[..., _Edit]] = {
    "set": _set,
    "unset": _unset,
    "merge": _merge,
    "patch": _patch,
}
