"""The engine as a mapping from the names of chunks to their values."""

from __future__ import annotations

from collections.abc import (
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    Mapping,
    ValuesView,
)
from typing import TYPE_CHECKING, Any, cast, overload

from ._arguments import checked_condition, checked_name
from ._calls import MISSING
from ._models import M
from ._parts import Function, Parts
from .errors import ConflictError, InvalidNameError, NotFoundError

if TYPE_CHECKING:
    from _typeshed import SupportsKeysAndGetItem


_GONE = object()


class ChunkMapping(Parts):
    """The part of SafeChunkEngine that is a mapping. Its failures are always raised.

    Values are copies: what is changed in a value that was read is not saved. An engine is always
    true, also without chunks; two engines are equal when their chunks are, and each is its own key
    in a dict. Reading and asking for one chunk does not list the folder, and nothing lists it more
    than once.
    """

    def __getitem__(self, chunk_name: str) -> Any:
        """A copy of the chunk. What is changed in the copy is not saved:

            engine["settings"]["theme"] = "dark"        # changes a copy, which is gone then

            with engine.edit("settings") as settings:   # changes the chunk
                settings["theme"] = "dark"
            engine.set("settings", "/theme", "dark")    # so does this

        :raises KeyError: there is no such chunk
        """
        found = self._find(checked_name(chunk_name))
        if found is MISSING:
            raise KeyError(chunk_name)
        return found

    def __setitem__(self, chunk_name: str, data: object) -> None:
        condition = checked_condition(None)
        name = checked_name(chunk_name)
        self._stage_raising(self._core.stage_update, data, name, self._default, condition)

    def __delitem__(self, chunk_name: str) -> None:
        self._remove(chunk_name, None)

    def __contains__(self, chunk_name: object) -> bool:
        if not isinstance(chunk_name, str):
            return False
        try:
            return self._raised(self._core.has_chunk, checked_name(chunk_name))
        except InvalidNameError:
            return False  # no chunk can have this name, or the one that is there has another case

    def __iter__(self) -> Iterator[str]:
        """The names of all chunks, sorted, as they are at the call."""
        return iter(self._raised(self._core.list_chunks))

    def __len__(self) -> int:
        return len(self._raised(self._core.list_chunks))

    def __bool__(self) -> bool:
        return True  # `if engine:` asks whether there is one

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Mapping):
            return NotImplemented
        return dict(self.items()) == dict(cast("Mapping[Any, Any]", cast(object, other)))

    def __hash__(self) -> int:
        return object.__hash__(self)

    def items(self) -> ItemsView[str, Any]:
        """Names and copies of the values. A chunk that is removed meanwhile is left out."""
        return _Items(self)

    def values(self) -> ValuesView[Any]:
        """Copies of the values, in the order of the names."""
        return _Values(self)

    def pop(self, chunk_name: str, default: Any = MISSING, /) -> Any:
        """Removes a chunk and returns its value, which no other thread gets, too.

        :raises KeyError: there is none, and no default
        """
        name = checked_name(chunk_name)
        while True:
            text, revision = self._read(self._core.find_revision, name)
            if text is None:
                if default is MISSING:
                    raise KeyError(name)
                return default
            value = self._format().value(text, name)
            try:
                self._remove(name, revision)
            except (ConflictError, KeyError):
                continue  # another edit came between
            return value

    def popitem(self) -> tuple[str, Any]:
        """Removes one chunk, the first one by name, and returns its name and its value.

        :raises KeyError: there is none
        """
        for name in self:
            value = self.pop(name, _GONE)
            if value is not _GONE:
                return name, value
        raise KeyError("there is no chunk")

    def clear(self) -> None:
        """Removes all chunks, one after the other."""
        for name in self:
            try:
                self._remove(name, None)
            except KeyError:
                pass  # another edit has removed it

    def setdefault(self, chunk_name: str, default: Any = None, /) -> Any:
        """A copy of the chunk, which becomes `default` first when there is none."""
        name = checked_name(chunk_name)
        while True:
            found = self._find(name)
            if found is not MISSING:
                return found
            absent = checked_condition(None, True)
            try:
                self._stage_raising(self._core.stage_update, default, name, self._default, absent)
            except ConflictError:
                pass  # another thread was faster

    @overload
    def update(self, chunks: SupportsKeysAndGetItem[str, Any], /) -> None: ...
    @overload
    def update(self, chunks: SupportsKeysAndGetItem[str, Any], /, **more: Any) -> None: ...
    @overload
    def update(self, chunks: Iterable[tuple[str, Any]], /) -> None: ...
    @overload
    def update(self, chunks: Iterable[tuple[str, Any]], /, **more: Any) -> None: ...
    @overload
    def update(self, /, **chunks: Any) -> None: ...
    @overload
    def update(
        self, chunk_name: str, /, function: Function, *, default: Any = MISSING
    ) -> bool: ...
    @overload
    def update(
        self,
        chunk_name: str,
        /,
        function: Callable[[M], M | None],
        *,
        default: M = ...,
        model: type[M],
    ) -> bool: ...
    def update(self, /, *arguments: Any, **named: Any) -> bool | None:
        """With a name and a function: calls `function` with the present value, and stages what it
        leaves; nothing comes between.

            engine.update("counters", lambda counters: {**counters, "n": counters["n"] + 1})

        The function may change the value in place and return None, or return a new value. Only
        what differs is edited. What it raises is raised here, and nothing is changed. It runs
        again when another edit comes between. It must not edit the same chunk itself.

        With a mapping, pairs or names as keywords: sets these chunks, one after the other, as
        dict.update(). Use a transaction() for all or nothing.

        :param default: the function gets a deep copy of it when there is no such chunk; {} when
            not given
        :param model: the function gets an instance of it; what it leaves has to fit
        :raises ConflictError: other edits came between 20 times
        :raises InvalidJsonError: the value does not fit the model
        """
        if not (arguments and isinstance(arguments[0], str)):
            return super().update(*arguments, **named)
        if len(arguments) == 1 and "function" not in named:
            raise TypeError("update() takes a mapping, or a chunk's name and a function")
        return self._update(*arguments, **named)

    def _remove(self, chunk_name: str, if_revision: str | None) -> None:
        condition = checked_condition(if_revision)
        try:
            self._stage_raising(self._core.remove_chunk, checked_name(chunk_name), condition)
        except NotFoundError:
            raise KeyError(chunk_name) from None

    def _find(self, chunk_name: str, model: object = None) -> Any:
        return self._read(self._core.find_chunk, chunk_name, MISSING, *self._hooks(model))


def _pairs(chunks: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in chunks:
        try:
            value = chunks[name]
        except KeyError:
            continue  # removed since the listing
        yield name, value


class _Items(ItemsView[str, Any]):
    def __init__(self, chunks: Mapping[str, Any]) -> None:
        super().__init__(chunks)
        self._chunks = chunks

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return _pairs(self._chunks)

    def __contains__(self, item: object) -> bool:
        name, value = cast("tuple[str, Any]", item)
        try:
            return bool(self._chunks[name] == value)
        except (KeyError, TypeError, InvalidNameError):
            return False  # as `name in engine`


class _Values(ValuesView[Any]):
    def __init__(self, chunks: Mapping[str, Any]) -> None:
        super().__init__(chunks)
        self._chunks = chunks

    def __iter__(self) -> Iterator[Any]:
        return (value for _, value in _pairs(self._chunks))
