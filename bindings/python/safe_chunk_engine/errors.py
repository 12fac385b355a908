"""Exceptions: one class for each code of the engine, below SafeChunkError.

A wrong argument (a bad name, data that JSON cannot hold) always raises. A failure of the
environment (disk, permissions, another owner) raises with ``strict=True``; otherwise it goes to
``on_fault`` as a Fault, and the method returns False or None.
"""

from __future__ import annotations

import json
import os
from typing import ClassVar

# The class for each code of the engine: the first one that names it.
_CLASSES: dict[str, type[SafeChunkError]] = {}


class SafeChunkError(Exception):
    """An error of the engine. Attributes that do not apply are empty, 0 or None."""

    code: ClassVar[str] = "unknown"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" in vars(cls):
            _CLASSES.setdefault(cls.code, cls)

    def __init__(
        self,
        message: str,
        *,
        chunk: str = "",
        path: str = "",
        os_errno: int = 0,
        line: int = 0,
        column: int = 0,
        json_path: str | None = None,
        reported: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        """One English sentence without the attributes below."""
        self.chunk = chunk
        """The chunk that it concerns."""
        self.path = path
        """The file or folder that it concerns."""
        self.os_errno = os_errno
        """errno of the system call that failed."""
        self.line = line
        """The line of the error in JSON text, from 1; 0: no position."""
        self.column = column
        """The column in that line, from 1, in bytes."""
        self.json_path = json_path
        """Where the value is that JSON cannot hold, as ``users[3].tags``; "" is the whole."""
        self.reported = reported
        """Whether on_fault has got it already."""

    def __str__(self) -> str:
        text = f"{self.code}: {self.message}"
        if self.json_path:
            text += f", at {self.json_path}"
        if self.chunk:
            text += f", chunk {self.chunk!r}"
        if self.path:
            text += f", path {self.path!r}"
        if self.line:
            text += f", line {self.line}, column {self.column}"
        if self.os_errno:
            text += f" ({os.strerror(self.os_errno)})"
        return text


class InvalidArgumentError(SafeChunkError, ValueError):
    """An argument other than a name or data is unusable."""

    code = "invalid_argument"


class InvalidNameError(SafeChunkError, ValueError):
    """A project id, chunk name, label or checkpoint name is not allowed."""

    code = "invalid_name"


class InvalidJsonError(SafeChunkError, ValueError):
    """The data is not JSON: NaN, keys that collide, a cycle, text that does not parse."""

    code = "invalid_json"


class InvalidTypeError(SafeChunkError, TypeError):
    """The data holds an object of a type that JSON does not have."""

    code = "invalid_json"


class TooDeepError(SafeChunkError, ValueError):
    """Nesting exceeds ``depth_limit``."""

    code = "too_deep"


class TooLargeError(SafeChunkError, ValueError):
    """A size exceeds a limit."""

    code = "too_large"


class NotFoundError(SafeChunkError, LookupError):
    """The chunk, checkpoint or project does not exist."""

    code = "not_found"


class NotOwnerError(SafeChunkError, RuntimeError):
    """This engine does not own the project: never attached, detached, or forked."""

    code = "not_owner"


class LockedError(SafeChunkError, RuntimeError):
    """Another owner holds the project."""

    code = "locked"


class CorruptError(SafeChunkError):
    """Damage was found that could not be healed; the bytes are kept in quarantine."""

    code = "corrupt"


class ConflictError(SafeChunkError):
    """There is something else than what the edit was meant for: a condition is not met, a test of a
    patch failed, or the disk holds something newer."""

    code = "conflict"


class StorageError(SafeChunkError, OSError):
    """A failure of the operating system."""

    def __init__(
        self,
        message: str,
        *,
        chunk: str = "",
        path: str = "",
        os_errno: int = 0,
        line: int = 0,
        column: int = 0,
        json_path: str | None = None,
        reported: bool = False,
    ) -> None:
        super().__init__(
            message,
            chunk=chunk,
            path=path,
            os_errno=os_errno,
            line=line,
            column=column,
            json_path=json_path,
            reported=reported,
        )
        self.errno = os_errno or None
        self.filename = path or None


class NoSpaceError(StorageError):
    """The disk or the quota is full."""

    code = "no_space"


class ReadOnlyError(StorageError):
    """The file system is read-only."""

    code = "read_only"


class PermissionDeniedError(StorageError, PermissionError):
    """The operating system refused access."""

    code = "permission_denied"


class InputOutputError(StorageError):
    """Any other failure of the operating system; see os_errno."""

    code = "io_error"


class UnsupportedFormatError(SafeChunkError):
    """Written by a newer or a foreign program."""

    code = "unsupported_format"


class CancelledError(SafeChunkError):
    """A progress handler asked to stop."""

    code = "cancelled"


class HealedError(SafeChunkError):
    """A damaged chunk was replaced by an older version."""

    code = "healed"


class InvalidEditError(SafeChunkError):
    """A program or person wrote text that is not JSON into a chunk's file; the text is kept."""

    code = "invalid_edit"


class BeingEditedError(SafeChunkError):
    """Another program is writing a chunk's file."""

    code = "being_edited"


class RemovedOutsideError(SafeChunkError):
    """Another program or a person removed a chunk's file."""

    code = "removed_outside"


class LostError(SafeChunkError):
    """A chunk is damaged and no good version is left; the bytes are kept."""

    code = "lost"


class UnavailableError(SafeChunkError):
    """The data cannot be reached now, and may be later."""

    code = "unavailable"


class UnknownOutcomeError(SafeChunkError):
    """Nobody knows whether the change was made."""

    code = "unknown_outcome"


# Raised with and without `strict`.
MISTAKES = (
    InvalidArgumentError,
    InvalidNameError,
    InvalidJsonError,
    InvalidTypeError,
    TooDeepError,
    TooLargeError,
)


class NotOwnedWarning(UserWarning):
    """A project could not be opened for writing, and nobody listens: no handler of `logging`."""


class Fault(str):
    """The argument of ``on_fault``: the message for people, with the details as attributes."""

    code: str
    """The code's name, as "no_space"."""
    chunk: str
    """The chunk that it concerns; may be empty."""
    path: str
    """The file or folder that it concerns; may be empty."""
    error: SafeChunkError
    """All details, as an exception that was not raised."""

    @classmethod
    def from_error(cls, error: SafeChunkError) -> Fault:
        """The fault for `error`."""
        fault = cls(error)
        fault.code = error.code
        fault.chunk = error.chunk
        fault.path = error.path
        fault.error = error
        return fault


def make_error(
    code: str,
    message: str,
    chunk: str,
    path: str,
    os_errno: int,
    _offset: int,
    line: int,
    column: int,
    reported: bool,
) -> SafeChunkError:
    """The exception for an error of the engine. Called by the extension module."""
    return _CLASSES.get(code, SafeChunkError)(
        message,
        chunk=chunk,
        path=path,
        os_errno=os_errno,
        line=line,
        column=column,
        reported=reported,
    )


def make_bad_value(kind: str, message: str, steps: list[object]) -> SafeChunkError:
    """The exception for a value that JSON cannot hold. Called by the extension module."""
    classes = {"type": InvalidTypeError, "too_deep": TooDeepError}
    return classes.get(kind, InvalidJsonError)(message, json_path=_join(steps))


def _join(steps: list[object]) -> str:
    path = ""
    for step in steps:
        if isinstance(step, str) and step.isidentifier():
            path += f".{step}" if path else step
        elif isinstance(step, str):
            path += f"[{json.dumps(step)}]"
        else:
            path += f"[{step}]"
    return path
