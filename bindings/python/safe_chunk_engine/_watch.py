"""Watching for changes of chunks."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

from . import _core
from ._arguments import checked_handler, checked_integer, checked_name
from ._calls import Calls
from .errors import InvalidArgumentError, SafeChunkError

Origin = Literal[
    "local", "process", "edit", "heal", "restore", "migration", "removed_outside", "resync"
]
# So often a waiting thread looks whether the user has interrupted it, or the watch was closed.
_SLICE = 200.0  # milliseconds
_POLL = 1.0  # seconds between two looks where the system does not tell of changes


@dataclass(frozen=True)
class Change:
    """One change of a chunk."""

    chunk: str
    """Its name; "" for a resync: read again what you know of."""
    revision: str
    """As revision() gives it; "": the chunk is gone."""
    previous_revision: str
    """"": there was no such chunk, or it is not known."""
    origin: Origin
    """Who made it: "local": this engine; "process": another one; "edit": another program or a
    person; "heal": an older version took the place of a damaged one; "restore": of a checkpoint;
    "removed_outside"; "resync": changes were missed."""
    number: int
    """Rises with each commit of an engine; for ``watch(since=number)``. 0: not counted."""


class Watch:
    """Changes one by one: iterate over it, with ``for`` or ``async for``, or call next().

    For one thread or task at a time; close() may be called by any. Leaving the loop leaves the
    watch open: close it, or use it in a ``with`` statement. The end of the engine's own ``with``
    closes all of its watches; ``detach()`` does not, as a watch needs no engine that is attached.
    """

    def __init__(self, core: _core.Watch, chunk_name: str | None) -> None:
        self._core = core
        self._chunk_name = chunk_name
        self._closed = threading.Event()

    def next(self, timeout: float | None = None) -> Change | None:
        """The next change; None when there was none for `timeout` seconds, or after close().

        :param timeout: None: wait for ever
        :raises UnavailableError: the project's folder is gone
        """
        left = float("inf") if timeout is None else max(timeout, 0.0) * 1000
        while not self._closed.is_set():
            found = self._core.next(min(left, _SLICE))
            left -= _SLICE
            if found is not None:
                change = Change(*found)
                if self._chunk_name in (None, change.chunk) or change.origin == "resync":
                    return change
            elif left <= 0:
                break
        return None

    def close(self) -> None:
        """Ends the iteration, also one that waits on another thread."""
        self._closed.set()
        self._core.wake()

    def fileno(self) -> int:
        """For select and the like: readable when next(0) may give a change. -1 where the system
        does not tell of changes; then call next(0) every second."""
        return self._core.descriptor()

    def __iter__(self) -> Watch:
        return self

    def __next__(self) -> Change:
        change = self.next()
        if change is None:
            raise StopIteration
        return change

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Change:
        while not self._closed.is_set():
            change = self.next(0)
            if change is not None:
                return change
            await self._readable()
        raise StopAsyncIteration

    async def _readable(self) -> None:
        descriptor = self.fileno()
        if descriptor < 0:
            await asyncio.sleep(_POLL)
            return
        loop = asyncio.get_running_loop()
        readable: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not readable.done():
                readable.set_result(None)

        loop.add_reader(descriptor, wake)
        try:
            await readable
        finally:
            loop.remove_reader(descriptor)

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Feed:
    """Calls a handler for each change, on a thread that does nothing else, until it is closed."""

    def __init__(
        self, watch: Watch, handler: Callable[[Change], object], failed: Callable[[Exception], None]
    ) -> None:
        self.handler = handler
        self._watch = watch
        self._thread = threading.Thread(
            target=_feed, args=(watch, handler, failed), name="safechunk changes", daemon=True
        )
        self._thread.start()
        self._finalizer = weakref.finalize(self, watch.close)
        self._finalizer.atexit = True

    def close(self) -> None:
        """Waits for the call that runs, unless it is made there."""
        self._watch.close()
        if self._thread is not threading.current_thread():
            self._thread.join()


def _feed(
    watch: Watch, handler: Callable[[Change], object], failed: Callable[[Exception], None]
) -> None:
    while True:
        try:
            change = watch.next()
        except Exception as error:  # the folder is gone
            failed(error)
            return
        if change is None:
            return
        try:
            handler(change)
        except Exception as error:
            failed(error)


class Watching(Calls):
    """The part of SafeChunkEngine that tells of changes."""

    _feed: Feed | None = None

    def watch(
        self,
        chunk_name: str | None = None,
        *,
        delivery: Literal["latest", "every"] = "latest",
        since: int | None = None,
    ) -> Watch:
        """Changes from now on, whoever makes them: ``for change in engine.watch(): ...``, or with
        ``async for``.

        :param chunk_name: of this chunk only
        :param delivery: "latest": of several changes to one chunk that come together, the newest;
            "every": each commit, in order
        :param since: the number of a change: begin behind it. What is not kept any more (about the
            last 5,000 are) is one change with the origin "resync"
        :raises NotFoundError: there is no such project
        :raises UnavailableError: this engine only reads, and no engine that may write has watched
            yet, so that commits have no numbers
        """
        if delivery not in ("latest", "every"):
            raise InvalidArgumentError("delivery must be 'latest' or 'every'")
        name = None if chunk_name is None else checked_name(chunk_name)
        number = None if since is None else checked_integer(since, "since", 2**63 - 1)
        watch = Watch(self._core.watch(delivery == "every", number), name)
        self._followers.add(watch)
        return watch

    def _close_followers(self) -> None:
        for follower in list(self._followers):
            follower.close()

    @property
    def on_change(self) -> Callable[[Change], object] | None:
        """Called with each Change, on a thread that does nothing else. What it raises becomes a
        fault. None ends it, and waits for the call that runs. It needs a project that is there."""
        return None if self._feed is None else self._feed.handler

    @on_change.setter
    def on_change(self, handler: Callable[[Change], object] | None) -> None:
        checked_handler(handler)
        if self._feed is not None:
            self._feed.close()
            self._feed = None
        if handler is not None:
            self._feed = Feed(self.watch(), handler, _reporter(self._events.fault))


def _reporter(fault: Callable[[SafeChunkError], None]) -> Callable[[Exception], None]:
    def failed(error: Exception) -> None:
        if isinstance(error, SafeChunkError):
            fault(error)
        else:
            fault(InvalidArgumentError(f"the handler on_change threw: {error!r}"))

    return failed
