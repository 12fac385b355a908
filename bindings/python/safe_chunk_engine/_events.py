"""Passes what the engine reports to the application: handlers, logging, history."""

from __future__ import annotations

import logging
import time
import warnings
from collections import deque
from collections.abc import Callable

from ._ownership import stack_level
from .errors import Fault, NotOwnedWarning, SafeChunkError

# Without handlers of the application, the last resort of `logging` prints warnings on stderr.
logger = logging.getLogger("safe_chunk_engine")

_HISTORY = 50  # lines kept in log_history
_PENDING = 1000  # faults kept for a handler that is set later


class Events:
    """Called by the extension module on the thread that did the work, with no lock held.

    It takes no lock of its own, so that a forked child finds none that is held: every step on
    shared state is one operation of a list, deque or set.
    """

    def __init__(self, project_id: str, is_dirty: Callable[[], bool]) -> None:
        self.on_status: Callable[[str], object] | None = None
        self.on_sync: Callable[[], object] | None = None
        self.on_dirty: Callable[[bool], object] | None = None
        self.history: list[str] = []
        self._on_fault: Callable[[Fault], object] | None = None
        self._pending: deque[Fault] = deque(maxlen=_PENDING)
        self._project_id = project_id
        self._is_dirty = is_dirty
        self._reported_dirty = False
        self._said: set[str] = set()  # codes of faults that went to stderr because nobody listens

    # --- from the engine

    def status(self, text: str) -> None:
        """Something happened that is no fault."""
        logger.debug("%s: %s", self._project_id, text)
        self.remember(text)
        if self.on_status is not None:
            self.on_status(text)

    def sync(self) -> None:
        """Everything that was staged is durable."""
        try:
            if self.on_sync is not None:
                self.on_sync()
        finally:
            self.dirty_changed()

    def fault(self, error: SafeChunkError) -> None:
        """Something failed, or was found damaged."""
        fault = Fault.from_error(error)
        self._log(fault)
        self.remember(fault)
        if self._on_fault is None:
            self._pending.append(fault)
        else:
            self._on_fault(fault)

    def _log(self, fault: Fault) -> None:
        if logger.hasHandlers():
            logger.warning("%s: %s", self._project_id, fault)
        elif self._on_fault is None and fault.code not in self._said:
            self._said.add(fault.code)
            logger.warning("safe_chunk_engine: %s: %s", self._project_id, fault)

    # --- from the Python side

    def not_owned(self, error: SafeChunkError) -> None:
        """The project could not be opened for writing: a fault, and a warning for the line that
        opened it, unless the application has set up logging."""
        if logger.hasHandlers():
            self.fault(error)
            return
        self._said.add(error.code)
        self.fault(error)
        warnings.warn(
            f"project {self._project_id!r} is not open for writing, and nothing can be saved with "
            f"this engine: {error}",
            NotOwnedWarning,
            stacklevel=stack_level(),
        )

    @property
    def on_fault(self) -> Callable[[Fault], object] | None:
        """The handler; faults that waited for one are delivered when it is set."""
        return self._on_fault

    @on_fault.setter
    def on_fault(self, handler: Callable[[Fault], object] | None) -> None:
        self._on_fault = handler
        while handler is not None:
            try:
                fault = self._pending.popleft()
            except IndexError:
                return
            handler(fault)

    def dirty_changed(self) -> None:
        """Calls on_dirty when its last call no longer holds."""
        if self.on_dirty is None:
            return
        dirty = self._is_dirty()
        if dirty != self._reported_dirty:
            self._reported_dirty = dirty
            self.on_dirty(dirty)

    def remember(self, text: str) -> None:
        """Adds a line to the history."""
        self.history.append(f"[{time.strftime('%H:%M:%S')}] {text}")
        del self.history[:-_HISTORY]
