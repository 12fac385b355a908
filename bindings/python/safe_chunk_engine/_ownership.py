"""Who of this process has which project open, and waiting for one that another owner has."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from . import _core
from .errors import LockedError, NotOwnerError, SafeChunkError

_PACKAGE = __package__ or "safe_chunk_engine"
_FIRST_PAUSE = 0.01  # seconds between two tries; they become longer
_LONGEST_PAUSE = 0.25


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).split(".")[0] == _PACKAGE


def stack_level() -> int:
    """The `stacklevel` with which warnings.warn(), called by our caller, names the line outside of
    this package."""
    level = 1
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame):
        frame = frame.f_back
        level += 1
    return level


def _caller() -> str:
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


class Claim:
    """One engine's claim on its project. Other threads may use it."""

    def __init__(self, core: _core.Engine, path: Path, owner: object) -> None:
        self.path = path
        self.owner = weakref.ref(owner)
        self._core = core
        self._pid = os.getpid()
        self._opened = time.strftime("%Y-%m-%d %H:%M:%S")
        self._opened_from = _caller()
        self._reason = ""  # why the project is not owned
        self._stop = threading.Event()
        self._waiting = False
        # Held while the waiting thread takes the project. No other thread needs it unless one waits.
        self._turn = threading.RLock()
        _claims.add(self)

    # --- taking and letting go

    def take(self, timeout: float) -> None:
        """Attaches; tries again for `timeout` seconds while another owner has the project.

        :raises SafeChunkError: as _core.Engine.attach(); a LockedError says who has the project
        """
        deadline = time.monotonic() + timeout
        pause = _FIRST_PAUSE
        while True:
            try:
                self._core.attach()
            except LockedError as error:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise self.explain(error, timeout) from None
            else:
                self._reason = ""
                self._opened = time.strftime("%Y-%m-%d %H:%M:%S")
                self._opened_from = _caller()
                return
            time.sleep(min(left, pause * random.uniform(0.5, 1.5)))
            pause = min(pause * 2, _LONGEST_PAUSE)

    def release(self) -> None:
        """Ends the waiting, and detaches."""
        if not self._waiting or self.is_forked():
            self._core.detach()
            return
        self._stop.set()
        with self._turn:
            self._waiting = False
            self._core.detach()

    def wait(self, taken: Callable[[SafeChunkError | None], None]) -> None:
        """Takes the project on another thread as soon as it is free, and then calls `taken`: with
        None, or with an error because of which nobody waits any longer."""
        self._waiting = True
        self._stop = threading.Event()
        threading.Thread(
            target=_wait,
            args=(weakref.ref(self), self._stop, taken),
            name=f"wait for {self.path.name}",
            daemon=True,
        ).start()

    def try_once(self, stop: threading.Event, taken: Callable[[SafeChunkError | None], None]) -> bool:
        """One try of the waiting thread. True when it was the last one."""
        with self._turn:
            if stop.is_set():
                return True
            failure: SafeChunkError | None = None
            try:
                self._core.attach()
            except LockedError:
                return False
            except SafeChunkError as error:
                failure = error
            else:
                self._reason = ""
            self._waiting = False
        taken(failure)
        return True

    # --- reasons in words

    def refused(self, error: SafeChunkError) -> None:
        """The project is not owned because of `error`; refused edits say so."""
        self._reason = str(error) if not isinstance(error, LockedError) else error.message

    def is_forked(self) -> bool:
        """Whether this is a child of the process that opened the project."""
        return os.getpid() != self._pid

    def explain(self, error: SafeChunkError, waited: float = 0) -> SafeChunkError:
        """`error`, or a better one: who has the project, and what to do."""
        if isinstance(error, LockedError):
            if error.message == self._reason:
                return error  # explained before
            holder = find_claim(self.path, but=self)
            if holder is None:
                text = error.message
                owner = self._core.owner()
                if owner is not None and owner["pid"] == os.getpid() and owner["host"]:
                    text = f"this process has it open already, on another thread: {error.message}"
            else:
                text = (
                    f"this process has it open already, since {holder._opened}, "
                    f"from {holder._opened_from}; detach that engine first, or use it: "
                    f"SafeChunkEngine.shared({self.path.name!r}, ...) returns it"
                )
            if waited > 0:
                text += f"; waited {waited:g} s"
            self._reason = text
            return LockedError(text, path=error.path or str(self.path))
        if isinstance(error, NotOwnerError):
            return self._explain_not_owner(error)
        return error

    def _explain_not_owner(self, error: NotOwnerError) -> NotOwnerError:
        if self.is_forked():
            text = (
                f"this process was forked from process {self._pid}, which opened the project. Send "
                "the data to that process, or open the project in the worker only: make a "
                "SafeChunkEngine there, after the fork"
            )
        elif self._reason and not self._core.is_active():
            text = f"this engine does not own the project: {self._reason}"
        else:
            return error
        return NotOwnerError(
            text, chunk=error.chunk, path=str(self.path), reported=error.reported
        )


def _wait(
    claim_of: weakref.ref[Claim],
    stop: threading.Event,
    taken: Callable[[SafeChunkError | None], None],
) -> None:
    pause = _FIRST_PAUSE
    while not stop.wait(pause * random.uniform(0.5, 1.5)):
        claim = claim_of()
        if claim is None or claim.try_once(stop, taken):
            return
        del claim  # the engine may go while this thread sleeps
        pause = min(pause * 2, _LONGEST_PAUSE)


_claims: weakref.WeakSet[Claim] = weakref.WeakSet()
# Held by those who look for an engine and open one when there is none. A forked child gets it free.
opening = threading.RLock()
os.register_at_fork(before=opening.acquire, after_in_parent=opening.release,
                    after_in_child=opening.release)


def find_claim(path: Path, but: Claim | None = None) -> Claim | None:
    """The claim of this process on the project in that folder which owns it."""
    for claim in list(_claims):
        if claim is but or not claim._core.is_active() or claim._core.owner() is None:
            continue  # the last: it writes in turn with others, and has no lock
        if _same_folder(claim.path, path):
            return claim
    return None


def _same_folder(one: Path, other: Path) -> bool:
    try:
        return one == other or os.path.samefile(one, other)
    except OSError:
        return False
