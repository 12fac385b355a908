"""Logs: files of one JSON value a line, which grow by appending."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar, overload

from . import _core
from ._arguments import checked_integer, checked_name
from ._calls import Calls
from .errors import InvalidArgumentError, InvalidJsonError, SafeChunkError

_T = TypeVar("_T")

# So often a waiting thread looks whether the user has interrupted it, or the follower was closed.
_SLICE = 200.0  # milliseconds
_PAGE = 1000  # records that an iteration has in memory
_MOST = 2**63 - 1


@dataclass(frozen=True)
class LogRecord:
    """One record of a log."""

    position: int
    """Where its line begins, in bytes; it changes when the log is compacted or rotated."""
    value: Any


class LogPage(list[LogRecord]):
    """Records of a log, and where to read on."""

    next: int
    """The `start` of the next read(); the same as that of this one at the end."""
    invalid: int
    """Lines that are no JSON, and were left out; on_fault gets the first of them."""


@dataclass(frozen=True)
class LogInfo:
    """A log of a project."""

    name: str
    bytes: int
    """The size of its file."""


class LogFollower:
    """Records as they are appended: iterate over it, with ``for`` or ``async for``, which gives
    their values, or call next().

    For one thread or task at a time; close() may be called by any. Leaving the loop leaves it open:
    close it, or use it in a ``with`` statement. The end of the engine's own ``with`` closes all of
    them; ``detach()`` does not, as it needs no engine that is attached.

    A log that is rotated or removed is read to its end, and then the new one from its beginning.
    Lines that are no JSON are left out.
    """

    def __init__(self, calls: Calls, core: _core.LogFollower, name: str, timeout: float | None) -> None:
        self._calls = calls
        self._core = core
        self._name = name
        self._timeout = timeout
        self._closed = threading.Event()
        self._running: asyncio.Future[LogRecord | None] | None = None

    @property
    def position(self) -> int:
        """Behind the last record that next() gave: for ``follow(start=position)`` after a restart."""
        return self._core.position()

    def next(self, timeout: float | None = None) -> LogRecord | None:
        """The next record; None when there was none for `timeout` seconds, or after close().

        :param timeout: None: wait for ever
        :raises UnavailableError: the project's folder is gone
        """
        left = float("inf") if timeout is None else max(timeout, 0.0) * 1000
        while not self._closed.is_set():
            record = self._wait(min(left, _SLICE))
            left -= _SLICE
            if record is not None:
                return record
            if left <= 0:
                break
        return None

    def close(self) -> None:
        """Ends the iteration, also one that waits on another thread."""
        self._closed.set()
        self._core.wake()

    def _wait(self, milliseconds: float) -> LogRecord | None:
        hooks = (self._calls._parse_int, self._calls._parse_float)
        found = _read(self._name, self._core.next, milliseconds, *hooks)
        return None if found is None else LogRecord(*found)

    def __iter__(self) -> LogFollower:
        return self

    def __next__(self) -> Any:
        record = self.next(self._timeout)
        if record is None:
            raise StopIteration
        return record.value

    def __aiter__(self) -> LogFollower:
        return self

    async def __anext__(self) -> Any:
        loop = asyncio.get_running_loop()
        end = None if self._timeout is None else loop.time() + self._timeout
        while not self._closed.is_set():
            left = _SLICE if end is None else min(max(end - loop.time(), 0.0) * 1000, _SLICE)
            if self._running is None:
                self._running = loop.run_in_executor(None, self._wait, left)
            # A task that is cancelled leaves the call to the next one: it may have got a record.
            try:
                record = await asyncio.shield(self._running)
            except Exception:
                self._running = None
                raise
            self._running = None
            if record is not None:
                return record.value
            if end is not None and loop.time() >= end:
                break
        raise StopAsyncIteration

    def __enter__(self) -> LogFollower:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Log:
    """One log of a project: ``chunks/NAME.jsonl``, one JSON value a line. Other programs may read
    the file, and append lines to it. A record has at most 64 MiB.

    Threads may share it. Every failure is raised, with and without ``strict``: a record that was
    not appended is never silent. Lines that are no JSON, which only another program can have
    written, are left out when the log is read, and reported to ``on_fault``.
    """

    def __init__(self, calls: Calls, name: str) -> None:
        self._calls = calls
        self._name = name

    @property
    def name(self) -> str:
        """The log's name."""
        return self._name

    # --- writing

    def append(self, value: object) -> int:
        """Appends one record; it survives a crash of the process from here on, and a power cut
        after sync(), detach(), or a mebibyte of further records.

        :param value: what stage_update() takes
        :return: the record's position
        :raises NotOwnerError: this engine does not own the project
        :raises BeingEditedError: another program has written half a line, less than two
            seconds ago; try again
        """
        calls = self._calls
        return calls._raised(calls._core.append_log, self._name, value, calls._default)

    def extend(self, values: Iterable[object]) -> int | None:
        """Appends several records by one write: a crash of the process leaves the first of them, or
        all. All of them are in memory meanwhile.

        :return: the position of the first; None when there is none
        """
        calls = self._calls
        texts = [_core.dump(value, calls._default, calls._depth_limit) for value in values]
        return calls._raised(calls._core.extend_log, self._name, texts) if texts else None

    def sync(self) -> None:
        """Returns when all records that were appended before survive a power cut."""
        self._calls._raised(self._calls._core.sync_log, self._name)

    def append_async(self, value: object) -> Coroutine[Any, Any, int]:
        """As append(). The copy is taken at the call, not when it is awaited."""
        calls = self._calls
        text = _core.dump(value, calls._default, calls._depth_limit)
        return asyncio.to_thread(calls._raised, calls._core.extend_log, self._name, [text])

    async def sync_async(self) -> None:
        """As sync()."""
        await asyncio.to_thread(self.sync)

    @overload
    def compact(self, *, keep: Callable[[Any], object]) -> None: ...
    @overload
    def compact(self, *, last: int) -> None: ...
    def compact(
        self, *, keep: Callable[[Any], object] | None = None, last: int | None = None
    ) -> None:
        """Removes records, durably. A crash leaves the old log or the new one. The positions of the
        records that stay change.

            log.compact(last=1000)
            log.compact(keep=lambda event: event["year"] >= 2026)

        :param keep: called with each value: whether it stays. When it raises, nothing is removed.
            It must not use this log
        :param last: so many of the last records stay
        :raises NotFoundError: there is no such log
        :raises BeingEditedError: another program has the file open for writing
        """
        calls = self._calls
        if (keep is None) == (last is None):
            raise TypeError("give keep= or last=")
        if keep is None:
            number = checked_integer(last, "last", _MOST)
            return calls._raised(calls._core.compact_log_to_last, self._name, number)
        hooks = (calls._parse_int, calls._parse_float)
        return calls._raised(calls._core.compact_log, self._name, keep, *hooks)

    def rotate(self) -> str:
        """Ends the file: it becomes the log NAME.000001, or the next number. The next record begins
        a new file.

        :return: the name of the log that it becomes
        :raises NotFoundError: there is no such log
        """
        return self._calls._raised(self._calls._core.rotate_log, self._name)

    def remove(self) -> None:
        """Removes the log and its file, durably.

        :raises NotFoundError: there is no such log
        """
        self._calls._raised(self._calls._core.remove_log, self._name)

    # --- reading; a log that is not there is empty

    def read(self, start: int = 0, limit: int | None = None) -> LogPage:
        """Records from a position on: at most `limit` (1,000), and about 16 MiB.

            page = log.read()
            more = log.read(page.next)

        :param start: 0, the position of a record, or the `next` of a page
        :raises ConflictError: no record begins there: the log was compacted, rotated or cut short
        """
        number = 0 if limit is None else checked_integer(limit, "limit", _MOST)
        if limit == 0:
            raise InvalidArgumentError("limit must be at least 1")
        calls = self._calls
        start = checked_integer(start, "start", _MOST)
        return self._page(calls._core.read_log, start, number)

    def tail(self, n: int = 10) -> list[Any]:
        """The values of the last `n` records, the oldest first."""
        page = self._page(self._calls._core.tail_log, checked_integer(n, "n", _MOST))
        return [record.value for record in page]

    def __iter__(self) -> Iterator[Any]:
        """The values of all records, page by page, also of those that are appended meanwhile.

        :raises ConflictError: the log was compacted or rotated meanwhile
        """
        start = 0
        while True:
            page = self.read(start, _PAGE)
            for record in page:
                yield record.value
            if page.next == start:
                return
            start = page.next

    def follow(self, start: int | None = None, timeout: float | None = None) -> LogFollower:
        """Waits for records: ``for value in log.follow(): ...``, or with ``async for``. The log need
        not be there yet.

        :param start: a position: begin there; None: with the records that are appended from now on
        :param timeout: the iteration ends when no record comes for so many seconds; None: never
        :raises NotFoundError: there is no such project
        :raises ConflictError: no record begins at `start`
        """
        number = None if start is None else checked_integer(start, "start", _MOST)
        calls = self._calls
        core = calls._raised(calls._core.follow_log, self._name, number)
        follower = LogFollower(calls, core, self._name, timeout)
        calls._followers.add(follower)
        return follower

    def _page(self, call: Callable[..., _core.LogPage], *arguments: int) -> LogPage:
        calls = self._calls
        hooks = (calls._parse_int, calls._parse_float)
        found = _read(self._name, calls._raised, call, self._name, *arguments, *hooks)
        page = LogPage(LogRecord(*record) for record in found[0])
        page.next, page.invalid = found[1], found[2]
        if found[3] is not None:
            calls._events.fault(found[3])
        return page

    def __repr__(self) -> str:
        return f"<Log {self._name!r}>"


def _read(name: str, call: Callable[..., _T], *arguments: object) -> _T:
    try:
        return call(*arguments)
    except ValueError as error:
        if isinstance(error, SafeChunkError):
            raise
        raise InvalidJsonError(f"cannot be read: {error}", chunk=name) from error


class Logs(Calls):
    """The part of SafeChunkEngine that has logs."""

    def log(self, name: str) -> Log:
        """The log of this name, for lists that only grow:

            events = engine.log("events")
            events.append({"user": "alice", "action": "login"})
            events.sync()                       # survives a power cut from here on
            print(events.tail(10))

        Nothing is looked at yet; a wrong name raises here, or at the first call.
        """
        return Log(self, checked_name(name, "log name"))

    def list_logs(self) -> list[LogInfo]:
        """All logs, the rotated ones included, sorted by name."""
        found = self._try(self._core.list_logs, list[tuple[str, int]]())
        return [LogInfo(*log) for log in found]
