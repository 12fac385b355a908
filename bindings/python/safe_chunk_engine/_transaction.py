"""Several edits that become visible together."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from . import _core
from ._arguments import Default, checked_name
from ._events import Events
from .errors import MISTAKES, SafeChunkError


class Transaction:
    """Several edits that become visible together or not at all. For one thread at a time: a second
    thread that uses it meanwhile gets an InvalidArgumentError.

    Made by ``engine.transaction()``. Nothing is staged before the end of the ``with`` block, or
    commit(). An exception that leaves the block drops the edits. commit() raises every failure.
    """

    def __init__(
        self,
        core: _core.Transaction,
        events: Events,
        default: Default | None,
        depth_limit: int,
        explain: Callable[[SafeChunkError], SafeChunkError],
    ) -> None:
        self._core = core
        self._events = events
        self._default = default
        self._depth_limit = depth_limit
        self._explain = explain

    def stage(self, data: object, chunk_name: str, *, default: Default | None = None) -> None:
        """As SafeChunkEngine.stage_update(), checked and copied at once, staged by commit()."""
        hook = default or self._default
        self._core.stage(data, checked_name(chunk_name), hook, self._depth_limit)

    stage_update = stage

    def remove(self, chunk_name: str) -> None:
        """Removes a chunk. It is no error when there is no such chunk."""
        self._core.remove(checked_name(chunk_name))

    delete_chunk = remove

    def __setitem__(self, chunk_name: str, data: object) -> None:
        self.stage(data, chunk_name)

    def __delitem__(self, chunk_name: str) -> None:
        self.remove(chunk_name)

    def commit(self) -> None:
        """Stages all edits as one unit and commits them durably.

        :raises NotOwnerError, InvalidNameError: nothing was staged
        :raises SafeChunkError: the unit is staged as a whole, and is retried, also by the next
            commit(); LockedError when the project was lost or detached meanwhile
        """
        try:
            self._core.commit()
        except SafeChunkError as failure:
            error = self._explain(failure)
            if not error.reported and not isinstance(error, MISTAKES):
                self._events.fault(error)
            if error is failure:
                raise
            raise error from None
        finally:
            self._events.dirty_changed()

    def __enter__(self) -> Transaction:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.commit()
