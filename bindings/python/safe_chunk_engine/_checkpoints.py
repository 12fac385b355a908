"""Archives of all chunks."""

from __future__ import annotations

from typing import Any

from ._arguments import checked_integer, checked_name
from ._calls import Calls, Progress


class Checkpoints(Calls):
    """The part of SafeChunkEngine that makes and restores checkpoints."""

    def create_checkpoint(
        self,
        label: str = "manual",
        retention: int = 10,
        *,
        notes: str = "",
        progress: Progress | None = None,
    ) -> str | None:
        """Commits, then writes and verifies a zip archive of all chunks and backups.

        :param retention: how many of this engine's archives are kept, the newest ones
        :param progress: called with done and total; returning False cancels
        :return: the file's name; None when it failed or was cancelled
        :raises InvalidNameError: for a label that is no plain file name
        """
        return self._try(
            self._core.create_checkpoint,
            None,
            checked_name(label, "label"),
            checked_integer(retention, "retention", 2**31 - 1),
            checked_name(notes, "notes"),
            progress,
        )

    def list_checkpoints(self) -> list[dict[str, Any]]:
        """Newest first: dictionaries of filename, label, date, notes and size."""
        return self._try(self._core.list_checkpoints, list[dict[str, Any]]())

    def verify_checkpoint(self, filename: str, *, progress: Progress | None = None) -> bool:
        """Reads every entry and compares checksums."""
        checked_name(filename, "checkpoint")
        return self._did(self._core.verify_checkpoint, filename, progress)

    def restore_checkpoint(self, filename: str, *, progress: Progress | None = None) -> bool:
        """Replaces all chunks by those of the archive, whole or not at all.

        The previous state is kept as the checkpoint ``before_restore``.
        """
        checked_name(filename, "checkpoint")
        done = self._did(self._core.restore_checkpoint, filename, progress)
        self._events.dirty_changed()
        return done

    def delete_checkpoint(self, filename: str) -> bool:
        """Removes an archive. False when there is none."""
        return self._did(self._core.delete_checkpoint, checked_name(filename, "checkpoint"))
