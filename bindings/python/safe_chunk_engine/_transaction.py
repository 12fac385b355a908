"""Several edits that become visible together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, TypeVar, overload

from . import _core
from ._arguments import (
    Default,
    checked_condition,
    checked_merge,
    checked_name,
    checked_pointer,
)
from ._calls import MISSING
from ._draft import Format
from ._events import Events
from ._models import M, instance_of
from .errors import MISTAKES, ConflictError, InvalidJsonError, NotFoundError, SafeChunkError

_D = TypeVar("_D")

_ANSWERS = (*MISTAKES, ConflictError, NotFoundError)  # to the caller, and no faults


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
        format: Format,
        explain: Callable[[SafeChunkError], SafeChunkError],
    ) -> None:
        self._core = core
        self._events = events
        self._format = format
        self._explain = explain

    def stage(
        self,
        data: object,
        chunk_name: str,
        *,
        default: Default | None = None,
        model: type[Any] | None = None,
    ) -> None:
        """As SafeChunkEngine.stage_update(), checked and copied at once, staged by commit()."""
        hook = default or self._format.default
        name = checked_name(chunk_name)
        if model is not None:
            data = instance_of(model, self._format._replace(default=hook).plain(data), name)
        self._core.stage(data, name, hook, self._format.depth_limit)

    stage_update = stage

    def remove(self, chunk_name: str) -> None:
        """Removes a chunk. It is no error when there is no such chunk."""
        self._core.remove(checked_name(chunk_name))

    delete_chunk = remove
    remove_chunk = remove

    # Edits of parts: as the methods of that name of the engine. They are applied to what the edits
    # before them leave, in order, by commit(), which raises what they raise there.

    def set(
        self, chunk_name: str, pointer: str, value: object, *, model: type[Any] | None = None
    ) -> None:
        """Sets one value of a chunk: as SafeChunkEngine.set(), at commit()."""
        name = checked_name(chunk_name)
        text = self._format.fitting_text(value, model, name)
        self._core.stage_value(name, checked_pointer(pointer), text)

    def unset(self, chunk_name: str, pointer: str) -> None:
        """Removes one member or element. commit() raises a NotFoundError when there is none."""
        self._core.remove_value(checked_name(chunk_name), checked_pointer(pointer))

    def merge(self, chunk_name: str, changes: Mapping[str, Any]) -> None:
        """Sets and removes members: as SafeChunkEngine.merge(), at commit()."""
        text = checked_merge(self._format.text(changes), changes)
        self._core.stage_merge(checked_name(chunk_name), text)

    def patch(self, chunk_name: str, operations: Iterable[Mapping[str, Any]]) -> None:
        """Applies a JSON Patch: as SafeChunkEngine.patch(), at commit()."""
        self._core.stage_patch(checked_name(chunk_name), self._format.text(list(operations)))

    stage_value = set
    remove_value = unset
    stage_merge = merge
    stage_patch = patch

    @overload
    def read(self, chunk_name: str, default: Any = None) -> Any: ...
    @overload
    def read(self, chunk_name: str, *, model: type[M]) -> M | None: ...
    @overload
    def read(self, chunk_name: str, default: _D, *, model: type[M]) -> M | _D: ...
    def read(
        self, chunk_name: str, default: Any = None, *, model: type[Any] | None = None
    ) -> Any:
        """A copy of the chunk as it is in the project, without the edits of this transaction;
        `default` when there is none. commit() raises a ConflictError when it has changed by then.

            with engine.transaction() as order:
                stock = order.read("stock")
                order.set("stock", "/apples", stock["apples"] - 1)
                order["orders"] = [{"apples": 1}]

        :param model: as for SafeChunkEngine.get()
        """
        name = checked_name(chunk_name)
        hooks = (self._format.parse_int, self._format.parse_float) if model is None else (None, None)
        try:
            found = self._core.read(name, MISSING, *hooks)
        except ValueError as error:
            if isinstance(error, SafeChunkError):
                raise
            raise InvalidJsonError(f"cannot be read: {error}", chunk=name) from error
        if found is MISSING:
            return default
        return found if model is None else instance_of(model, found, name)

    def require(
        self, chunk_name: str, *, if_revision: str | None = None, if_absent: bool = False
    ) -> None:
        """commit() raises a ConflictError unless the condition is met."""
        condition = checked_condition(if_revision, if_absent)
        self._core.require(checked_name(chunk_name), condition)

    def __setitem__(self, chunk_name: str, data: object) -> None:
        self.stage(data, chunk_name)

    def __delitem__(self, chunk_name: str) -> None:
        self.remove(chunk_name)

    def commit(self) -> None:
        """Stages all edits as one unit and commits them durably.

        :raises NotOwnerError, InvalidNameError: nothing was staged
        :raises ConflictError, NotFoundError: a condition is not met, something that was read has
            changed, or an edit of a part does not fit: nothing was staged; the transaction still
            has its edits and conditions, so make a new one to read anew
        :raises SafeChunkError: the unit is staged as a whole, and is retried, also by the next
            commit(); LockedError when the project was lost or detached meanwhile
        """
        try:
            self._core.commit()
        except SafeChunkError as failure:
            error = self._explain(failure)
            if not error.reported and not isinstance(error, _ANSWERS):
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
