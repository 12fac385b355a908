"""Shared by all parts of the engine's class: its state, and calls of the extension module."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from . import _core
from ._arguments import Default
from ._events import Events
from .errors import MISTAKES, CancelledError, NotFoundError, SafeChunkError

Progress = Callable[[int, int], object]

MISSING = object()

_T = TypeVar("_T")
_Otherwise = TypeVar("_Otherwise")


class Calls:
    """The state that SafeChunkEngine sets, and the treatment of failures: a wrong argument raises;
    so does a failure of the environment with ``strict=True``, which otherwise goes to
    ``on_fault``."""

    _core: _core.Engine
    _events: Events
    _strict: bool
    _default: Default | None
    _depth_limit: int
    _debounce_delay: float
    _project_id: str
    _path: Path

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

    def _staged(self, call: Callable[..., None], *arguments: object) -> bool:
        taken = self._did(call, *arguments)
        self._events.dirty_changed()
        return taken

    def _failed(self, error: SafeChunkError, otherwise: _Otherwise) -> _Otherwise:
        # not_found and cancelled are answers to the caller, and no faults.
        if not error.reported and not isinstance(error, (NotFoundError, CancelledError)):
            self._events.fault(error)
        if self._strict:
            raise error
        return otherwise
