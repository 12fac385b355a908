"""Copies of chunks whose changes are staged as differences."""

from __future__ import annotations

import asyncio
import copy
from types import TracebackType
from typing import Any, Generic, NamedTuple, cast

from . import _core
from ._arguments import Default, checked_condition
from ._calls import MISSING, Calls, ParseNumber
from ._differences import differences
from ._models import M, instance_of, kept
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

    def fitting_text(self, value: object, model: type[Any] | None, chunk_name: str) -> str:
        """The text of `value`; with a model, of the instance that it makes of `value`.

        :raises InvalidJsonError: the value does not fit the model
        """
        if model is None:
            return self.text(value)
        return self.text(instance_of(model, self.plain(value), chunk_name))


class Draft:
    """A value that may be changed, and how it was before."""

    def __init__(
        self,
        format: Format,
        chunk_name: str,
        text: str | None,
        default: Any,
        model: type[Any] | None = None,
    ) -> None:
        """`text`: of the chunk, which counts as {} when there is none."""
        self._format = format
        self._chunk_name = chunk_name
        self._model = model
        self._before: Any = {}
        self._dumped: Any = None  # with a model: how the value looked before
        self.value: Any
        if text is None and default is not MISSING:
            self.value = copy.deepcopy(default)
        elif model is not None:
            self._before = _core.load(text) if text is not None else {}
            self.value = instance_of(model, self._before, chunk_name)
            self._dumped = format.plain(self.value) if text is not None else None
        elif text is None:
            self.value = {}
        else:
            self.value = format.value(text, chunk_name)
            # What the application's functions make of a number is no change.
            self._before = format.plain(self.value)

    def text(self, value: object) -> str:
        """The whole text of `value`, which has to fit the model."""
        return self._format.fitting_text(value, self._model, self._chunk_name)

    def changes(self, value: object) -> str:
        """The JSON Patch that makes `value` of what there was; "[]" when nothing differs."""
        after = _core.load(self.text(value))
        if self._dumped is not None:
            after = kept(self._before, self._dumped, after)
        operations = differences(self._before, after)
        # A value lies two levels deeper in the patch.
        return _core.dump(operations, None, self._format.depth_limit + 2)


class Edit(Generic[M]):
    """A block that changes a copy of a chunk. Made by ``engine.edit()``; also for ``async with``,
    which reads and stages on another thread."""

    def __init__(
        self,
        engine: Calls,
        format: Format,
        chunk_name: str,
        default: Any,
        model: type[M] | None = None,
    ) -> None:
        self._engine = engine
        self._core = engine._core
        self._format = format
        self._chunk_name = chunk_name
        self._default = default
        self._model = model
        self._draft: Draft | None = None
        self._revision = ""

    def __enter__(self) -> M:
        text, self._revision = self._engine._read(self._core.find_revision, self._chunk_name)
        draft = Draft(self._format, self._chunk_name, text, self._default, self._model)
        given: Any = draft.value
        if self._model is None and not isinstance(given, (dict, list)):
            raise TypeError(
                f"chunk {self._chunk_name!r} is no object or list that could be changed in place"
            )
        self._draft = draft
        return cast(M, given)

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
            text = draft.text(draft.value)
            self._engine._stage_raising(
                self._core.stage_value, self._chunk_name, "", text, condition
            )

    async def __aenter__(self) -> M:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, value, traceback)
