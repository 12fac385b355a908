"""Writing and reading chunks, by methods and as a mapping."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._arguments import Default, checked_condition, checked_name
from ._calls import MISSING
from ._parts import Parts
from ._transaction import Transaction
from .errors import MISTAKES, CorruptError, LostError, NotFoundError, SafeChunkError


class Chunks(Parts):
    """The part of SafeChunkEngine that writes and reads chunks."""

    # --- writing

    def stage_update(
        self,
        data: object,
        chunk_name: str,
        *,
        default: Default | None = None,
        if_revision: str | None = None,
        if_absent: bool = False,
    ) -> bool:
        """Takes a copy of `data`; it is committed after debounce_delay, max_delay at the latest.

        From here on the edit survives a crash of the process. The caller may change `data` at once.

        :param data: what json.dumps takes, but NaN, infinities and keys that become the same text
        :param default: called for objects that JSON does not have; instead of the constructor's
        :param if_revision: what revision() gave: the chunk must be as it was then
        :param if_absent: there must be no such chunk
        :return: False when the edit was refused, or is in memory only; on_fault gets the reason
        :raises InvalidTypeError: an object that JSON does not have
        :raises InvalidJsonError: another value that JSON does not have
        :raises ConflictError: a condition is not met; nothing was changed
        """
        return self._staged(
            self._core.stage_update,
            data,
            checked_name(chunk_name),
            default or self._default,
            checked_condition(if_revision, if_absent),
        )

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

    def fetch_chunk(self, chunk_name: str) -> Any:
        """A copy of the chunk: what is staged, else what is on disk, healed when damaged.

        An older version that is given in place of a damaged one goes with a fault of the chunk, and
        with ``strict=True`` that fault is raised instead.

        :return: {} when there is no such chunk, and, with a fault, when nothing of it can be read
            any more; None when it cannot be read now (see on_fault)
        """
        checked_name(chunk_name)
        try:
            found = self._find(chunk_name)
        except MISTAKES:
            raise
        except (CorruptError, LostError) as error:
            return self._failed(error, dict[str, Any]())
        except SafeChunkError as error:
            return self._failed(error, None)
        return {} if found is MISSING else found

    def _find(self, chunk_name: str) -> Any:
        return self._read(
            self._core.find_chunk, chunk_name, MISSING, self._parse_int, self._parse_float
        )

    read_chunk = fetch_chunk

    def fetch_text(self, chunk_name: str) -> str | None:
        """The chunk's JSON text as it stands in the file; None when there is none."""
        checked_name(chunk_name)
        return self._try(self._read, None, self._core.find_text, chunk_name)

    def list_chunks(self) -> list[str]:
        """The names of all chunks, sorted."""
        return self._try(self._core.list_chunks, list[str]())

    # --- the engine as a mapping from chunk names to values; failures are always raised

    def __getitem__(self, chunk_name: str) -> Any:
        found = self._find(checked_name(chunk_name))
        if found is MISSING:
            raise KeyError(chunk_name)
        return found

    def __setitem__(self, chunk_name: str, data: object) -> None:
        condition = checked_condition(None)
        name = checked_name(chunk_name)
        self._stage_raising(self._core.stage_update, data, name, self._default, condition)

    def __delitem__(self, chunk_name: str) -> None:
        try:
            condition = checked_condition(None)
            self._stage_raising(self._core.remove_chunk, checked_name(chunk_name), condition)
        except NotFoundError:
            raise KeyError(chunk_name) from None

    def __contains__(self, chunk_name: object) -> bool:
        return isinstance(chunk_name, str) and chunk_name in self._core.list_chunks()

    def __iter__(self) -> Iterator[str]:
        return iter(self._core.list_chunks())

    def __len__(self) -> int:
        return len(self._core.list_chunks())

    def __bool__(self) -> bool:
        return True  # also without chunks: `if engine:` asks whether there is one

    def keys(self) -> list[str]:
        """The names of all chunks, sorted."""
        return self._core.list_chunks()
