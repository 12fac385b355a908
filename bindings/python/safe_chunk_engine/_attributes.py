"""The properties of an engine: its paths, its history, its handlers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ._arguments import checked_handler, milliseconds
from ._calls import Calls
from ._places import PLACES, side_folder
from .errors import Fault


class Attributes(Calls):
    """The part of SafeChunkEngine that has the paths, the history and the handlers."""

    @property
    def project_id(self) -> str:
        """The project's name."""
        return self._project_id

    @property
    def debounce_delay(self) -> float:
        """Seconds between the last edit and its commit. A new value holds for later edits."""
        return self._debounce_delay

    @debounce_delay.setter
    def debounce_delay(self, seconds: float) -> None:
        self._core.set_debounce_delay(milliseconds(seconds, "debounce_delay"))
        self._debounce_delay = seconds

    @property
    def root_dir(self) -> Path:
        """The folder in which the project's folder lies; absolute."""
        return self._path.parent

    base_dir_path = root_dir

    @property
    def project_path(self) -> Path:
        """The project's folder, or the folder or file that is its place; absolute."""
        return self._path

    @property
    def chunks_path(self) -> Path:
        """Where the JSON files are."""
        if self._place == 0:
            return self._path / "chunks"
        return self._path if self._place == PLACES.index("in_place") else self._path.parent

    @property
    def file_chunk(self) -> str:
        """The only chunk of a file that open_file() opened; empty for other places."""
        return self._core.file_chunk()

    @property
    def backup_path(self) -> Path:
        """Where their previous versions are."""
        return side_folder(self._path, self._place) / "chunks_bak"

    @property
    def checkpoint_path(self) -> Path:
        """Where the archives are."""
        return side_folder(self._path, self._place) / "checkpoints"

    @property
    def lock_file(self) -> Path:
        """The file that names the owner of the project."""
        return side_folder(self._path, self._place) / ".lock"

    @property
    def log_history(self) -> list[str]:
        """The last 50 texts that went to on_status and on_fault, with their time."""
        return self._events.history

    @property
    def on_status(self) -> Callable[[str], object] | None:
        """Called with one line when something happened, on the thread on which it happened."""
        return self._events.on_status

    @on_status.setter
    def on_status(self, handler: Callable[[str], object] | None) -> None:
        self._events.on_status = checked_handler(handler)

    @property
    def on_sync(self) -> Callable[[], object] | None:
        """Called when everything that was staged is durable."""
        return self._events.on_sync

    @on_sync.setter
    def on_sync(self, handler: Callable[[], object] | None) -> None:
        self._events.on_sync = checked_handler(handler)

    @property
    def on_fault(self) -> Callable[[Fault], object] | None:
        """Called with a Fault, which is a str. Earlier faults are delivered when it is set."""
        return self._events.on_fault

    @on_fault.setter
    def on_fault(self, handler: Callable[[Fault], object] | None) -> None:
        self._events.on_fault = checked_handler(handler)

    @property
    def on_dirty(self) -> Callable[[bool], object] | None:
        """Called with True at the first unsaved edit, with False when all is saved."""
        return self._events.on_dirty

    @on_dirty.setter
    def on_dirty(self, handler: Callable[[bool], object] | None) -> None:
        self._events.on_dirty = checked_handler(handler)
