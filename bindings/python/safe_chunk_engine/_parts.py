"""Reading and editing parts of chunks, and edits under conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any, TypeVar, overload

from . import _core
from ._arguments import checked_condition, checked_merge, checked_name, checked_pointer
from ._calls import MISSING, Calls, ParseNumber
from ._draft import Draft, Edit, Format
from ._models import M, instance_of
from .errors import ConflictError, NotFoundError

Function = Callable[[Any], object]

_D = TypeVar("_D")

_REFUSALS = (ConflictError, NotFoundError)


class Parts(Calls, MutableMapping[str, Any]):
    """The part of SafeChunkEngine that reads and edits parts of chunks.

    A pointer is a JSON Pointer (RFC 6901): ``"/users/0/name"``, with ``~1`` for ``/`` and ``~0``
    for ``~`` in a name; ``""`` is the whole chunk. Outside of the edited values every byte of the
    file stays as it is.

    An edit may carry a condition: ``if_revision=engine.revision(chunk)``, the chunk must be as it
    was then; ``if_absent=True``, there must be no such chunk. One that is not met raises a
    ConflictError, with and without ``strict``, and nothing is changed. Other failures are treated
    as by stage_update().

    ``model=`` is a class of pydantic, a Struct of msgspec or a dataclass, or a list, dict or union
    of them, as ``list[User]``. A value that is read becomes an instance of it, a value that is
    written is checked with it. One that does not fit raises an InvalidJsonError, with and without
    ``strict``, and nothing is changed; its ``__cause__`` is the error of the model. Instances are
    stored as their own dump, also without ``model=``.

    It is a MutableMapping here, because get() is an override; ChunkMapping has the rest.
    """

    # --- reading; failures are always raised, because the result cannot tell of them

    @overload
    def get(self, chunk_name: str, /) -> Any: ...
    @overload
    def get(self, chunk_name: str, default: None, /) -> Any: ...
    @overload
    def get(self, chunk_name: str, default: object, /) -> Any: ...
    @overload
    def get(self, chunk_name: str, pointer: str = "", /, *, model: type[M]) -> M | None: ...
    @overload
    def get(self, chunk_name: str, pointer: str, default: _D, /, *, model: type[M]) -> M | _D: ...
    @overload
    def get(self, chunk_name: str, default: _D, /, *, model: type[M]) -> M | _D: ...
    @overload
    def get(
        self, chunk_name: str, pointer: str = "", /, *, default: _D, model: type[M]
    ) -> M | _D: ...
    @overload
    def get(
        self, chunk_name: str, *, pointer: str, default: None = None, model: type[M]
    ) -> M | None: ...
    @overload
    def get(
        self, chunk_name: str, *, pointer: str, default: _D, model: type[M]
    ) -> M | _D: ...
    @overload
    def get(self, chunk_name: str, pointer: str, default: Any, /) -> Any: ...
    @overload
    def get(self, chunk_name: str, pointer: str, /, *, default: Any) -> Any: ...
    @overload
    def get(self, chunk_name: str, *, pointer: str = "", default: Any = None) -> Any: ...
    def get(
        self,
        chunk_name: str,
        *arguments: Any,
        pointer: Any = MISSING,
        default: Any = MISSING,
        model: type[Any] | None = None,
    ) -> Any:
        """A copy of one value, or of the whole chunk; `default` when there is none.

            engine.get("users")                          # as dict.get(): None when it is missing
            engine.get("users", {})
            engine.get("users", "/0/name", "nobody")
            engine.get("users", default="/srv/users")
            engine.get("users", "/0", model=User)        # a User

        What is changed in the copy is not saved. To change the chunk, write
        ``with engine.edit("users") as users:``, or use set(), merge() or update().

        A second argument without a name is the pointer when it is a str that begins with "/", or
        when a third one follows; otherwise it is the default. Only the value is parsed.
        """
        unnamed = list(arguments)
        if pointer is MISSING and unnamed:
            first = unnamed[0]
            begins = isinstance(first, str) and first.startswith("/")
            if begins or len(unnamed) > 1 or default is not MISSING:
                pointer = unnamed.pop(0)
        if unnamed and default is MISSING:
            default = unnamed.pop(0)
        if unnamed:
            raise TypeError("get() takes a chunk's name, a pointer and a default")
        found = self._get(chunk_name, "" if pointer is MISSING else pointer, model)
        if found is not MISSING:
            return found
        return None if default is MISSING else default

    @overload
    def fetch_value(self, chunk_name: str, pointer: str) -> Any: ...
    @overload
    def fetch_value(self, chunk_name: str, pointer: str, *, model: type[M]) -> M: ...
    def fetch_value(
        self, chunk_name: str, pointer: str, *, model: type[Any] | None = None
    ) -> Any:
        """A copy of one value, as an instance of `model` when there is one.

        :raises NotFoundError: there is no such chunk or value
        """
        found = self._get(chunk_name, pointer, model)
        if found is MISSING:
            message = f"there is no value at {pointer!r}"
            raise NotFoundError(message, chunk=chunk_name)
        return found

    def revision(self, chunk_name: str) -> str:
        """Names the chunk's content: the same content has the same revision. "" when there is no
        such chunk. For `if_revision`; the text means nothing else."""
        return self._read(self._core.find_revision, checked_name(chunk_name))[1]

    # --- writing

    def set(
        self,
        chunk_name: str,
        pointer: str,
        value: object,
        *,
        model: type[Any] | None = None,
        if_revision: str | None = None,
        if_absent: bool = False,
    ) -> bool:
        """Sets one value of a chunk.

            engine.set("settings", "/window/width", 800)
            engine.set("log", "/-", "started")           # appends to a list
            engine.set("users", "/0", {"name": "Alice"}, model=User)

        Objects that are missing on the way are made, and so is the chunk.

        :return: False when the edit was refused, or is in memory only; on_fault gets the reason
        :raises NotFoundError: the pointer leads through a value that has no parts, or beyond the
            end of a list
        """
        condition = checked_condition(if_revision, if_absent)
        text = self._format().fitting_text(value, model, checked_name(chunk_name))
        return self._set(chunk_name, pointer, text, condition)

    def unset(self, chunk_name: str, pointer: str, *, if_revision: str | None = None) -> bool:
        """Removes one member of an object, or one element of a list. False when there is none.

            engine.unset("settings", "/window/width")
        """
        return self._staged(
            self._core.remove_value,
            checked_name(chunk_name),
            checked_pointer(pointer),
            checked_condition(if_revision),
        )

    def merge(
        self,
        chunk_name: str,
        changes: Mapping[str, Any],
        *,
        if_revision: str | None = None,
        if_absent: bool = False,
    ) -> bool:
        """Sets and removes members, as a JSON Merge Patch (RFC 7396): None removes a member, an
        object is merged into the one that is there, and everything else replaces what is there.

            engine.merge("settings", {"theme": "dark", "window": {"x": None}})
        """
        condition = checked_condition(if_revision, if_absent)
        return self._merge(chunk_name, checked_merge(self._text(changes), changes), condition)

    def patch(
        self,
        chunk_name: str,
        operations: Iterable[Mapping[str, Any]],
        *,
        if_revision: str | None = None,
    ) -> bool:
        """Applies a JSON Patch (RFC 6902): all operations, or none.

            engine.patch("queue", [
                {"op": "test", "path": "/0", "value": "a"},
                {"op": "remove", "path": "/0"},
            ])

        :raises ConflictError: a test failed
        :raises NotFoundError: there is no such chunk, or an operation's pointer leads nowhere
        """
        condition = checked_condition(if_revision)
        return self._patch(chunk_name, self._text(list(operations)), condition)

    # The names of the other languages.
    stage_value = set
    remove_value = unset
    stage_merge = merge
    stage_patch = patch

    def _update(
        self,
        chunk_name: str,
        function: Function,
        *,
        default: Any = MISSING,
        model: type[Any] | None = None,
    ) -> bool:
        raised: list[BaseException] = []

        def changes(text: str | None) -> str:
            try:
                draft = Draft(self._format(), chunk_name, text, default, model)
                result = function(draft.value)
                return draft.changes(draft.value if result is None else result)
            except BaseException as error:
                raised.append(error)
                raise

        name = checked_name(chunk_name)
        try:
            return self._staged(self._core.update, name, changes, answers=_REFUSALS, own=raised)
        finally:
            raised.clear()  # an exception refers to this frame

    @overload
    def edit(self, chunk_name: str, *, default: Any = MISSING) -> Edit[Any]: ...
    @overload
    def edit(self, chunk_name: str, *, default: Any = MISSING, model: type[M]) -> Edit[M]: ...
    def edit(
        self, chunk_name: str, *, default: Any = MISSING, model: type[Any] | None = None
    ) -> Edit[Any]:
        """A copy of the chunk; what is changed in it is staged at the end of the block.

            with engine.edit("settings") as settings:
                settings["theme"] = "dark"
                settings["recent"].append("a.txt")

        Only what differs is edited, as one edit; nothing when nothing differs, and nothing when an
        exception leaves the block. The chunk must be an object or a list. Every failure is raised.

        :param default: a deep copy of it is given when there is no such chunk; {} when not given
        :param model: gives an instance of it. Members that the model does not know stay in the
            chunk, but not those of the elements of a list that is changed
        :raises ConflictError: the chunk has changed since the begin of the block
        :raises InvalidJsonError: the value does not fit the model
        """
        return Edit(self, self._format(), checked_name(chunk_name), default, model)

    # --- with the value as text

    def _text(self, value: object) -> str:
        return _core.dump(value, self._default, self._depth_limit)

    def _format(self) -> Format:
        return Format(self._default, self._depth_limit, self._parse_int, self._parse_float)

    def _get(self, chunk_name: str, pointer: object, model: type[Any] | None = None) -> Any:
        name = checked_name(chunk_name)
        pointer = checked_pointer(pointer)
        found = self._read(self._core.find_value, name, pointer, MISSING, *self._hooks(model))
        return found if model is None or found is MISSING else instance_of(model, found, name)

    def _hooks(self, model: object) -> tuple[ParseNumber | None, ParseNumber | None]:
        """A model makes its own numbers."""
        return (self._parse_int, self._parse_float) if model is None else (None, None)

    def _set(
        self, chunk_name: str, pointer: object, text: str, condition: _core.Condition
    ) -> bool:
        call = self._core.stage_value
        name = checked_name(chunk_name)
        return self._staged(call, name, checked_pointer(pointer), text, condition, answers=_REFUSALS)

    def _merge(self, chunk_name: str, text: str, condition: _core.Condition) -> bool:
        call = self._core.stage_merge
        return self._staged(call, checked_name(chunk_name), text, condition, answers=_REFUSALS)

    def _patch(self, chunk_name: str, text: str, condition: _core.Condition) -> bool:
        call = self._core.stage_patch
        return self._staged(call, checked_name(chunk_name), text, condition, answers=_REFUSALS)
