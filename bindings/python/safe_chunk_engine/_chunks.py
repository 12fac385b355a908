"""Writing and reading chunks."""

from __future__ import annotations

from typing import Any, overload

from ._arguments import Default, checked_condition, checked_name
from ._calls import MISSING
from ._mapping import ChunkMapping
from ._models import M, instance_of
from ._transaction import Transaction
from .errors import MISTAKES, CorruptError, LostError, SafeChunkError


class Chunks(ChunkMapping):
    """The part of SafeChunkEngine that writes and reads chunks."""

    # --- writing

    def stage_update(
        self,
        data: object,
        chunk_name: str,
        *,
        default: Default | None = None,
        model: type[Any] | None = None,
        if_revision: str | None = None,
        if_absent: bool = False,
    ) -> bool:
        """Takes a copy of `data`; it is committed after debounce_delay, max_delay at the latest.

        From here on the edit survives a crash of the process. The caller may change `data` at once.

        :param data: what json.dumps takes, but NaN, infinities and keys that become the same text
        :param default: called for objects that JSON does not have; instead of the constructor's
        :param model: `data` has to fit it: a class of pydantic, a Struct of msgspec, a dataclass
        :param if_revision: what revision() gave: the chunk must be as it was then
        :param if_absent: there must be no such chunk
        :return: False when the edit was refused, or is in memory only; on_fault gets the reason
        :raises InvalidTypeError: an object that JSON does not have
        :raises InvalidJsonError: another value that JSON does not have
        :raises ConflictError: a condition is not met; nothing was changed
        """
        hook = default or self._default
        name = checked_name(chunk_name)
        condition = checked_condition(if_revision, if_absent)
        if model is not None:
            text = self._format()._replace(default=hook).fitting_text(data, model, name)
            return self._staged(self._core.stage_text, text, name, condition)
        return self._staged(self._core.stage_update, data, name, hook, condition)

    def stage_text(
        self,
        json_text: str,
        chunk_name: str,
        *,
        if_revision: str | None = None,
        if_absent: bool = False,
    ) -> bool:
        """The same with JSON text. Order of keys, number texts and escapes are kept."""
        condition = checked_condition(if_revision, if_absent)
        return self._staged(self._core.stage_text, json_text, checked_name(chunk_name), condition)

    def delete_chunk(self, chunk_name: str, *, if_revision: str | None = None) -> bool:
        """Stages the removal of a chunk and of its backup. False when there is none.

        :raises ConflictError: the chunk is not as it was when `if_revision` was read
        """
        condition = checked_condition(if_revision)
        return self._staged(self._core.remove_chunk, checked_name(chunk_name), condition)

    remove_chunk = delete_chunk

    def force_sync(self) -> bool:
        """Commits everything staged. True: it survives a power cut from here on.

        False when something could not be saved: it stays staged, and is retried.
        """
        return self._did(self._core.force_sync)

    def transaction(self) -> Transaction:
        """Several edits that become visible together or not at all: a context manager.

        It commits at the end of the block, unless an exception leaves it.
        """
        return Transaction(
            self._core.transaction(),
            self._events,
            self._format(),
            self._claim.explain,
        )

    # --- reading

    @overload
    def fetch_chunk(self, chunk_name: str) -> Any: ...
    @overload
    def fetch_chunk(self, chunk_name: str, *, model: type[M]) -> M | None: ...
    def fetch_chunk(self, chunk_name: str, *, model: type[Any] | None = None) -> Any:
        """A copy of the chunk: what is staged, else what is on disk, healed when damaged.

        An older version that is given in place of a damaged one goes with a fault of the chunk, and
        with ``strict=True`` that fault is raised instead.

        :param model: the value becomes an instance of it; that of {} where {} is returned, so that
            fields need defaults for the first start of a program
        :return: {} when there is no such chunk, and, with a fault, when nothing of it can be read
            any more; None when it cannot be read now (see on_fault)
        """
        checked_name(chunk_name)
        found: Any
        try:
            found = self._find(chunk_name, model)
        except MISTAKES:
            raise
        except (CorruptError, LostError) as error:
            found = self._failed(error, MISSING)
        except SafeChunkError as error:
            return self._failed(error, None)
        found = {} if found is MISSING else found
        return found if model is None else instance_of(model, found, chunk_name)

    read_chunk = fetch_chunk

    def fetch_text(self, chunk_name: str) -> str | None:
        """The chunk's JSON text as it stands in the file; None when there is none."""
        checked_name(chunk_name)
        return self._try(self._read, None, self._core.find_text, chunk_name)

    def list_chunks(self) -> list[str]:
        """The names of all chunks, sorted."""
        return self._try(self._core.list_chunks, list[str]())
