"""A storage for TinyDB: its documents in a project, with the safety of the engine.

    from safe_chunk_engine.tinydb import SafeChunkStorage
    from tinydb import TinyDB

    with TinyDB("contacts", storage=SafeChunkStorage) as db:
        db.insert({"name": "Alice"})

`contacts` is a folder then, and the documents are in ``contacts/chunks/tinydb.json``. To take over
the documents of a file that TinyDB has written::

    db.storage.write(json.loads(Path("db.json").read_text()))
"""

from __future__ import annotations

import codecs
import errno
import json
import os
import re
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from tinydb.storages import Storage

from ._arguments import Default
from ._draft import Format
from ._engine import SafeChunkEngine
from .errors import NotFoundError

__all__ = ["SafeChunkStorage"]

_CHUNK = "tinydb"
_READING = ("r", "rb")
_WRITING = ("r+", "rb+", "r+b")
_DEFAULT_INDENT = 4  # of the engine
_MOST_BLANKS = 16


class SafeChunkStorage(Storage):
    """Takes the place of TinyDB's JSONStorage, with the same parameters.

    A write is durable when it returns: it survives a power cut. Storages of one path in one process
    share an engine, so that each reads what the other has written. To write what read() has given
    raises a ConflictError, and changes nothing, when another thread, another storage, another
    program or a person has changed the documents in between: TinyDB reads, changes and writes them.
    CachingMiddleware reads once, and so hears of it when it writes. Other data, as the empty
    database of drop_tables(), replaces what is there.

    When another process has the project open, the constructor raises a LockedError.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        create_dirs: bool = False,
        encoding: str | None = None,
        access_mode: str = "r+",
        *,
        engine_options: Mapping[str, Any] | None = None,
        **dump_options: Any,
    ) -> None:
        """Opens the project in the folder `path`, and makes it unless it is opened for reading.

        :param create_dirs: makes the folders above it, too
        :param encoding: files are UTF-8; another one raises a ValueError
        :param access_mode: "r" or "r+"; another one raises a ValueError
        :param engine_options: of the constructor of SafeChunkEngine, as ``{"lock_timeout": 10}``
        :param dump_options: of json.dumps(): indent (None: one line), sort_keys, ensure_ascii,
            default, cls with an own default(), skipkeys, and what means what the engine does. A
            value that cannot be honoured raises a ValueError
        :raises FileNotFoundError: the folder above it is missing, or, for reading, the project
        :raises FileExistsError: `path` is a file
        """
        super().__init__()
        if encoding is not None and codecs.lookup(encoding).name != "utf-8":
            raise ValueError(f"encoding={encoding!r}: the files are UTF-8")
        if access_mode not in (*_READING, *_WRITING):
            raise ValueError(f"access_mode={access_mode!r}: only 'r' and 'r+' are possible")
        self._access_mode = access_mode
        self._writing = _Writing(dump_options)
        options = dict(engine_options or {})
        if self._writing.indent is not None:
            options["indent"] = self._writing.indent
        self._path = Path(os.path.realpath(path))
        _check_path(self._path, create_dirs and access_mode in _WRITING)
        self._engine: SafeChunkEngine | None
        if access_mode in _READING:
            engine = _open_for_reading(self._path, options)
            self._engine = engine
            self._release = weakref.finalize(self, engine.detach)
        else:
            shared = _Shared.of(self._path, options)
            self._engine = shared.engine
            self._release = weakref.finalize(self, shared.release)

    def read(self) -> dict[str, dict[str, Any]] | None:
        """The documents; None when nothing was written yet."""
        engine = self._opened()
        text, revision = engine._read(engine._core.find_revision, _CHUNK)
        if text is None:
            return None
        return _Documents(engine._format().value(text, _CHUNK), revision)

    def write(self, data: Mapping[str, Mapping[str, Any]]) -> None:
        """Replaces the documents. Durable when it returns.

        :raises OSError: the storage was opened for reading
        :raises ConflictError: `data` is what read() has given, and they were changed since then
        """
        engine = self._opened()
        if self._access_mode in _READING:
            raise OSError(f'Cannot write to the database. Access mode is "{self._access_mode}"')
        text = self._writing.text(data, engine._format())
        with _lock:
            if isinstance(data, _Documents):
                engine.stage_text(text, _CHUNK, if_revision=data.revision)
                data.revision = engine.revision(_CHUNK)  # CachingMiddleware writes them again
            else:
                engine.stage_text(text, _CHUNK)
        engine.force_sync()

    def close(self) -> None:
        """Releases the project, when this is the last storage that uses it."""
        self._engine = None
        self._release()

    def _opened(self) -> SafeChunkEngine:
        if self._engine is None:
            raise ValueError(f"the storage of {str(self._path)!r} is closed")
        return self._engine


class _Documents(dict[str, dict[str, Any]]):
    """What read() gives: it knows from which revision."""

    def __init__(self, documents: dict[str, dict[str, Any]], revision: str) -> None:
        super().__init__(documents)
        self.revision = revision


# --- the project


def _check_path(path: Path, create_dirs: bool) -> None:
    if path.exists() and not path.is_dir():
        message = "is a file, and no project: read it, and write its content into a new project"
        raise FileExistsError(errno.EEXIST, message, str(path))
    if not create_dirs and not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))


def _open_for_reading(path: Path, options: dict[str, Any]) -> SafeChunkEngine:
    try:
        return SafeChunkEngine(
            path.name, base_dir=path.parent, strict=True, read_only=True, **options
        )
    except NotFoundError:
        raise FileNotFoundError(errno.ENOENT, "there is no such project", str(path)) from None


# Held while an engine is opened or released, and while a storage writes. A storage that the garbage
# collector finds releases its engine on any thread, also on one that holds it.
_lock = threading.RLock()


class _Shared:
    """An engine that several storages use."""

    _all: dict[Path, _Shared] = {}

    def __init__(self, path: Path, options: dict[str, Any]) -> None:
        self.path = path
        self.options = options
        self.engine = SafeChunkEngine(path.name, base_dir=path.parent, strict=True, **options)
        self._users = 0

    @classmethod
    def of(cls, path: Path, options: dict[str, Any]) -> _Shared:
        """The one for this path; opened now when there is none."""
        with _lock:
            found = cls._all.get(path)
            if found is None or not found.engine.is_active():  # or the application has detached it
                found = cls._all[path] = cls(path, options)
            elif any(found.option(name) != value for name, value in options.items()):
                raise ValueError(
                    f"this process has {str(path)!r} open with other options: {found.options}"
                )
            found._users += 1
            return found

    def option(self, name: str) -> object:
        return self.options.get(name, _DEFAULT_INDENT if name == "indent" else None)

    def release(self) -> None:
        with _lock:
            self._users -= 1
            if self._users > 0:
                return
            if self._all.get(self.path) is self:
                del self._all[self.path]
            self.engine.detach()


os.register_at_fork(
    before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
)


# --- the options of json.dumps


class _Writing:
    """What is done with the options of json.dumps."""

    def __init__(self, options: dict[str, Any]) -> None:
        """:raises ValueError: an option has a value that cannot be honoured
        :raises TypeError: json.dumps does not have this option
        """
        self._sort_keys = bool(options.pop("sort_keys", False))
        self._skip_keys = bool(options.pop("skipkeys", False))
        self._ensure_ascii = bool(options.pop("ensure_ascii", False))
        self._default = _default_of(options.pop("default", None), options.pop("cls", None))
        self.indent = _indent_of(options)
        if not options.pop("check_circular", True):
            raise ValueError("check_circular=False: cycles are always found")
        # NaN is refused, also when nothing is said of it.
        if options.pop("allow_nan", False):
            raise ValueError("allow_nan=True: NaN and infinities are not JSON, and are refused")
        if options:
            raise TypeError(f"json.dumps() has no option {next(iter(options))!r}")

    def text(self, data: object, format: Format) -> str:
        if self._sort_keys or self._skip_keys:
            data = self._prepared(data)
        default = self._default or format.default
        text = format._replace(default=default).text(data)
        if self._ensure_ascii:
            text = re.sub(r"[^\x00-\x7f]+", lambda found: json.dumps(found[0])[1:-1], text)
        return text

    def _prepared(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self._prepared_members(cast("dict[Any, Any]", cast(object, value)))
        if isinstance(value, (list, tuple)):
            return [self._prepared(part) for part in cast("list[Any]", value)]
        return value

    def _prepared_members(self, members: dict[Any, Any]) -> dict[Any, Any]:
        names: list[Any] = [
            name
            for name in members
            if not self._skip_keys or name is None or isinstance(name, (str, int, float))
        ]
        if self._sort_keys:
            names.sort()
        return {name: self._prepared(members[name]) for name in names}


def _indent_of(options: dict[str, Any]) -> int | None:
    """The blanks per level: 0 is one line; None: nothing is said of it."""
    is_said = "indent" in options or "separators" in options  # json.dumps has indent=None then
    indent: Any = options.pop("indent", None if is_said else _DEFAULT_INDENT)
    blanks: Any = len(indent) if isinstance(indent, str) and not indent.strip(" ") else indent
    if blanks is None:
        blanks = 0
    elif type(blanks) is not int or not 0 < blanks <= _MOST_BLANKS:
        most = _MOST_BLANKS
        raise ValueError(f"indent={indent!r}: only None and 1 to {most} blanks are possible")
    wanted = (",", ": ") if blanks else (",", ":")
    separators: Any = options.pop("separators", None)
    if separators is not None and tuple(separators) != wanted:
        raise ValueError(f"separators={separators!r}: with this indent only {wanted} is possible")
    return blanks if is_said else None


def _default_of(default: Default | None, cls: Any) -> Default | None:
    if cls is None or cls is json.JSONEncoder:
        return default
    for method in ("encode", "iterencode"):
        if getattr(cls, method, None) is not getattr(json.JSONEncoder, method):
            raise ValueError(f"cls={cls.__name__}: its {method}() cannot be used, only default()")
    hook: Default = cls(default=default).default
    return hook
