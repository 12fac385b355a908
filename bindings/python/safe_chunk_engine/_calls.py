"""Shared by all parts of the engine's class: its state, and calls of the extension module."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from . import _core
from ._arguments import Default
from ._events import Events
from ._ownership import Claim
from .errors import (
    MISTAKES,
    CancelledError,
    ConflictError,
    InvalidJsonError,
    NotFoundError,
    SafeChunkError,
)

Progress = Callable[[int, int], object]
ParseNumber = Callable[[str], Any]

MISSING = object()

_T = TypeVar("_T")
_Otherwise = TypeVar("_Otherwise")


class Closable(Protocol):
    """What the end of the engine's ``with`` statement closes."""

    def close(self) -> None: ...


class Calls:
    """The state that SafeChunkEngine sets, and the treatment of failures: a wrong argument raises;
    so does a failure of the environment with ``strict=True``, which otherwise goes to
    ``on_fault``."""

    _core: _core.Engine
    _events: Events
    _claim: Claim
    _strict: bool
    _default: Default | None
    _parse_int: ParseNumber | None
    _parse_float: ParseNumber | None
    _depth_limit: int
    _debounce_delay: float
    _project_id: str
    _path: Path
    _place: int
    _followers: weakref.WeakSet[Closable]

    def _try(
        self, call: Callable[..., _T], otherwise: _Otherwise, *arguments: object
    ) -> _T | _Otherwise:
        """The result of `call`, or `otherwise` when it fails and the failure is not raised."""
        try:
            return call(*arguments)
        except MISTAKES:
            raise
        except SafeChunkError as error:
            return self._failed(error, otherwise)

    def _did(self, call: Callable[..., None], *arguments: object) -> bool:
        return self._try(call, False, *arguments) is None

    def _staged(
        self,
        call: Callable[..., None],
        *arguments: object,
        answers: tuple[type[SafeChunkError], ...] = (ConflictError,),
        own: Sequence[BaseException] = (),
    ) -> bool:
        """Calls `call`, which stages an edit. Raises `answers`, which the caller has to know, and
        `own`, what functions of the application have raised."""
        try:
            call(*arguments)
        except SafeChunkError as error:
            if error in own or isinstance(error, (*MISTAKES, *answers)):
                raise
            taken = self._failed(error, False)
        else:
            taken = True
        self._events.dirty_changed()
        return taken

    def _stage_raising(self, call: Callable[..., None], *arguments: object) -> None:
        self._raised(call, *arguments)
        self._events.dirty_changed()

    def _failed(
        self,
        error: SafeChunkError,
        otherwise: _Otherwise,
        answers: tuple[type[SafeChunkError], ...] = (NotFoundError, CancelledError),
    ) -> _Otherwise:
        """`answers` tell the caller what it has asked for, and are no faults."""
        error = self._claim.explain(error)
        if not error.reported and not isinstance(error, answers):
            self._events.fault(error)
        if self._strict:
            raise error
        return otherwise

    def _raised(self, call: Callable[..., _T], *arguments: object) -> _T:
        """The result of `call`; every failure is raised, with its reason in words."""
        try:
            return call(*arguments)
        except SafeChunkError as error:
            better = self._claim.explain(error)
            if better is error:
                raise
            raise better from None

    def _read(self, call: Callable[..., _T], chunk_name: str, *arguments: object) -> _T:
        """The result of `call`, which reads that chunk; with ``strict=True`` an older version than
        the one that was saved last is an error."""
        try:
            return self._raised(call, chunk_name, self._strict, *arguments)
        except ValueError as error:
            if isinstance(error, SafeChunkError):
                raise
            raise InvalidJsonError(f"cannot be read: {error}", chunk=chunk_name) from error
