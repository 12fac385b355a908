"""Files that stay where the application has them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _core
from ._arguments import checked_bool
from .errors import InvalidArgumentError

if TYPE_CHECKING:
    from ._engine import SafeChunkEngine

PLACES = ("project", "in_place", "file")  # the numbers of safechunk::PlaceKind
_SIDE_FOLDER = ".safechunk"


def checked_place(place: object) -> int:
    """The number of the place."""
    if place not in PLACES:
        raise InvalidArgumentError(f"place must be one of {', '.join(PLACES)}")
    return PLACES.index(str(place))


def checked_place_path(path: str | os.PathLike[str] | os.PathLike[bytes]) -> str:
    """The path of a place, with "~" for the home folder."""
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"the path must be str or os.PathLike, not {type(path).__name__}")
    if not text or "\0" in text:
        raise InvalidArgumentError("the path is empty, or holds a NUL character")
    return os.path.expanduser(text)


def side_folder(path: Path, place: int) -> Path:
    """Where lock, journal, backups and checkpoints lie."""
    if place == PLACES.index("in_place"):
        return path / _SIDE_FOLDER
    return path if place == 0 else path.with_name(f".{path.name}{_SIDE_FOLDER}")


def open_file(path: str | os.PathLike[str], **options: Any) -> SafeChunkEngine:
    """Opens one JSON file where it is, as the only chunk of an engine.

        engine = open_file("~/.config/app/settings.json", strict=True)
        engine.set(engine.file_chunk, "/theme", "dark")

    The file keeps its indentation, the order of its members, its final newline and its byte-order
    mark; links are followed. Lock, journal, backups and checkpoints lie in ``.NAME.safechunk``
    beside it, which may be deleted after detach().

    :param path: of the file, which need not be there yet; its folder must be
    :param options: of SafeChunkEngine; a relative path begins at ``base_dir``
    :raises InvalidJsonError: the file is no JSON, and was never opened before; with ``strict=True``
    """
    from ._engine import SafeChunkEngine

    return SafeChunkEngine(checked_place_path(path), place="file", **options)


def release(path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Removes what open_file() and SafeChunkEngine.in_place() have put beside a file or into a
    folder, without a trace. The files stay as they are. Durable when it returns.

    :param path: of the file or the folder
    :param force: also when there are checkpoints or files in quarantine, which are gone then
    :raises NotFoundError: there is no side folder
    :raises LockedError: somebody has it open, this process included: detach() first
    :raises ConflictError: the journal has updates that are not in the files yet: open it once; or
        there are checkpoints or files in quarantine
    :raises UnsupportedFormatError: a file in the side folder is not provably the engine's
    """
    checked = checked_place_path(path)
    place = PLACES.index("in_place" if os.path.isdir(checked) else "file")
    _core.release_place(os.fsencode(checked), place, checked_bool(force, "force"))
