"""Archives of all chunks."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, overload

from ._arguments import (
    checked_archive,
    checked_bool,
    checked_file_name,
    checked_integer,
    checked_name,
    checked_path,
)
from ._calls import Calls, Progress
from .errors import MISTAKES, CancelledError, InvalidNameError, NotFoundError, SafeChunkError


def _retention_and_notes(*positional: object, **named: object) -> tuple[object, object]:
    """Of create_checkpoint(): a str in second place makes it the form of later versions."""
    later = len(positional) > 0 and isinstance(positional[0], str)
    names = ("notes", "retention") if later else ("retention",)
    if len(positional) > len(names):
        raise TypeError("create_checkpoint() takes label and retention, or label, notes, retention")
    for name, value in zip(names, positional):
        if name in named:
            raise TypeError(f"create_checkpoint() got {name} twice")
        named[name] = value
    retention, notes = named.pop("retention", 10), named.pop("notes", "")
    if named:
        raise TypeError(f"create_checkpoint() has no parameter {next(iter(named))!r}")
    return retention, notes


class Checkpoints(Calls):
    """The part of SafeChunkEngine that makes and restores checkpoints."""

    @overload
    def create_checkpoint(
        self,
        label: str = ...,
        retention: int = ...,
        *,
        notes: str = ...,
        keep: bool = ...,
        progress: Progress | None = ...,
    ) -> str | None: ...
    @overload
    def create_checkpoint(
        self,
        label: str,
        notes: str,
        retention: int = ...,
        /,
        *,
        keep: bool = ...,
        progress: Progress | None = ...,
    ) -> str | None: ...
    def create_checkpoint(
        self,
        label: str = "manual",
        *positional: object,
        keep: bool = False,
        progress: Progress | None = None,
        **named: object,
    ) -> str | None:
        """Commits, then writes and verifies a zip archive of all chunks and backups.

        As the original's later versions call it, also ``(label, notes, retention)`` by position: a
        str in second place is the notes.

        A chunk that cannot be read is left out of the archive and reported as a fault.

        :param label: any text of at most 1,000 bytes; the file's name has what fits of it
        :param retention: how many archives are kept, the newest ones. Those with ``keep=True`` and
            those that restores have made are neither counted nor removed
        :param keep: never removes this archive because of a retention
        :param progress: called with done and total; returning False cancels
        :return: the file's name; None when it failed or was cancelled
        :raises InvalidNameError: for a label that is too long, not valid Unicode, or has a NUL
        """
        retention, notes = _retention_and_notes(*positional, **named)
        name = self._try(
            self._core.create_checkpoint,
            None,
            checked_name(label, "label"),
            checked_integer(retention, "retention", 2**31 - 1),
            checked_name(notes, "notes"),
            checked_bool(keep, "keep"),
            progress,
        )
        if name is not None:
            self._events.status(f"Checkpoint saved: {label}")
        return name

    def export_archive(
        self,
        path: str | os.PathLike[str],
        *,
        label: str = "export",
        notes: str = "",
        progress: Progress | None = None,
    ) -> bool:
        """Writes a zip archive of all chunks to a new file outside of the project.

        An owner commits first. Every other engine archives what is committed at one moment, also
        while another process owns the project; it takes no lock and changes nothing there.
        ``restore_checkpoint(path)`` takes the file into any project that is there.

        :param path: of the file; nothing is overwritten. It gets its name when it is verified and
            durable
        :param progress: called with done and total; returning False cancels
        :return: False when it failed or was cancelled; then there is no file
        """
        return self._archived(
            self._core.export_archive,
            checked_path(path, "file"),
            checked_name(label, "label"),
            checked_name(notes, "notes"),
            progress,
        )

    def list_checkpoints(self) -> list[dict[str, Any]]:
        """Newest first: dictionaries of filename, label, date (YYYYMMDD_HHMMSS, local time), notes,
        size, number, keep and unix_time (the moment of the date, seconds since 1970; 0.0: not
        known, it is an older one). The order is that of the numbers, which no clock changes; 0 is an
        archive without one."""
        found = self._try(self._core.list_checkpoints, list[dict[str, Any]]())
        for checkpoint in found:
            day, _, time = str(checkpoint["date"]).partition(" ")
            checkpoint["date"] = f"{day.replace('-', '')}_{time.replace(':', '')}"
        return found

    def verify_checkpoint(
        self,
        filename: str | os.PathLike[str] | None = None,
        *,
        zip_name: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> bool:
        """Reads every entry and compares checksums. False when there is none of that name. A name
        that has a slash, or a ``Path``, is the path of an archive."""
        name, archive = checked_archive(filename, zip_name)
        return self._with_checkpoint(
            self._core.verify_checkpoint, name, archive, progress, do=self._did
        )

    def restore_checkpoint(
        self,
        filename: str | os.PathLike[str] | None = None,
        *,
        zip_name: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> bool:
        """Replaces all chunks by those of the archive, whole or not at all. False when there is none
        of that name, which is a fault as well. A name that has a slash, or a ``Path``, is the path
        of an archive.

        The previous state is kept as the checkpoint ``before_restore``.
        """
        name, archive = checked_archive(filename, zip_name)
        restore = self._core.restore_checkpoint
        done = self._with_checkpoint(restore, name, archive, progress, do=self._archived)
        self._events.dirty_changed()
        if done:
            self._events.status(f"Restored from checkpoint: {name}")
        return done

    def delete_checkpoint(
        self, filename: str | None = None, *, zip_name: str | None = None
    ) -> bool:
        """Removes an archive. False when there is none of that name."""
        name = checked_file_name(filename, zip_name)
        return self._with_checkpoint(self._core.delete_checkpoint, name, name, do=self._did)

    def _archived(self, call: Callable[..., None], *arguments: object) -> bool:
        """Calls what the application relies on: that a file or folder is missing is a fault."""
        try:
            call(*arguments)
        except MISTAKES:
            raise
        except SafeChunkError as error:
            return self._failed(error, False, (CancelledError,))
        return True

    def _with_checkpoint(
        self,
        call: Callable[..., None],
        name: str,
        *arguments: object,
        do: Callable[..., bool],
    ) -> bool:
        """Does it. A file of another name in the folder is no mistake, but none of our archives."""
        try:
            return do(call, *arguments)
        except InvalidNameError:
            if name in ("", ".", "..") or any(separator in name for separator in "/\\:"):
                raise
            return do(_raise, NotFoundError("there is no such checkpoint", path=name))


def _raise(error: SafeChunkError) -> None:
    raise error
