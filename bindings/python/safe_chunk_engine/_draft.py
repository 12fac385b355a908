"""Copies of chunks whose changes are staged as differences."""

from __future__ import annotations

import asyncio
import copy
from types import TracebackType
from typing import Any, NamedTuple

from . import _core
from ._arguments import Default, checked_condition
from ._calls import MISSING, Calls, ParseNumber
from ._differences import differences
from .errors import InvalidJsonError, SafeChunkError

class Format(NamedTuple):
    """How an engine writes and reads values."""

    default: Default | None
    depth_limit: int
    parse_int: ParseNumber | None
    parse_float: ParseNumber | None

    def text(self, value: object) -> str:
        return _core.dump(value, self.default, self.depth_limit)

    def value(self, text: str, chunk_name: str) -> Any:
        try:
            return _core.load(text, self.parse_int, self.parse_float)
        except ValueError as error:
            if isinstance(error, SafeChunkError):
                raise
            raise InvalidJsonError(f"cannot be read: {error}", chunk=chunk_name) from error

    def plain(self, value: object) -> Any:
        """`value` as it is read again without functions of the application."""
        return _core.load(self.text(value))


class Draft:
    """A value that may be changed, and how it was before."""

    def __init__(self, format: Format, chunk_name: str, text: str | None, default: Any) -> None:
        """`text`: of the chunk, which counts as {} when there is none."""
        self._format = format
        self.value: Any
        if text is None:
            self.value = dict[str, Any]() if default is MISSING else copy.deepcopy(default)
            self._before: Any = {}
        else:
            self.value = format.value(text, chunk_name)
            # What the application's functions make of a number is no change.
            self._before = format.plain(self.value)

    def changes(self, value: object) -> str:
        """The JSON Patch that makes `value` of what there was; "[]" when nothing differs."""
        operations = differences(self._before, self._format.plain(value))
        # A value lies two levels deeper in the patch.
        return _core.dump(operations, None, self._format.depth_limit + 2)


class Edit:
    """A block that changes a copy of a chunk. Made by ``engine.edit()``; also for ``async with``,
    which reads and stages on another thread."""

    def __init__(self, engine: Calls, format: Format, chunk_name: str, default: Any) -> None:
        self._engine = engine
        self._core = engine._core
        self._format = format
        self._chunk_name = chunk_name
        self._default = default
        self._draft: Draft | None = None
        self._revision = ""

    def __enter__(self) -> Any:
        text, self._revision = self._engine._read(self._core.find_revision, self._chunk_name)
        draft = Draft(self._format, self._chunk_name, text, self._default)
        given: object = draft.value
        if not isinstance(given, (dict, list)):
            raise TypeError(
                f"chunk {self._chunk_name!r} is no object or list that could be changed in place"
            )
        self._draft = draft
        return draft.value

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        draft, self._draft = self._draft, None
        if kind is not None or draft is None:
            return
        changes = draft.changes(draft.value)
        if changes == "[]":
            return
        condition = checked_condition(self._revision)
        if self._revision:
            self._engine._stage_raising(self._core.stage_patch, self._chunk_name, changes, condition)
        else:
            text = self._format.text(draft.value)
            self._engine._stage_raising(
                self._core.stage_value, self._chunk_name, "", text, condition
            )

    async def __aenter__(self) -> Any:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, value, traceback)
