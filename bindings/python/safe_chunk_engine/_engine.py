"""The class that applications use."""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import shutil
import weakref
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NoReturn, TypeVar

from . import _core, errors
from ._arguments import (
    Default,
    checked_base_dir,
    checked_handler,
    checked_integer,
    checked_name,
    milliseconds,
)
from ._events import Events
from ._transaction import Transaction
from .errors import (
    MISTAKES,
    CancelledError,
    Fault,
    InvalidArgumentError,
    NotFoundError,
    SafeChunkError,
)

_core.set_makers(errors.make_error, errors.make_bad_value)

Progress = Callable[[int, int], object]

_T = TypeVar("_T")
_Otherwise = TypeVar("_Otherwise")
_MISSING = object()


class SafeChunkEngine:
    """One project: a folder of JSON files that this object owns, or only reads.

    Threads may share an engine. A child process that was forked gets an inactive one; to use the
    project from a process that was spawned, open it there. Engines that are still open when the
    interpreter ends are detached.

    Methods that meet trouble of the environment (disk, permissions, other owners) tell ``on_fault``
    and return False or None; with ``strict=True`` they raise a SafeChunkError. Mistakes at the call
    (TypeError, ValueError) are raised always.
    """

    VERSION: str = _core.version

    def __init__(
        self,
        project_id: str,
        debounce_delay: float = 1.0,
        base_dir: str | os.PathLike[str] | None = None,
        *,
        max_delay: float = 5.0,
        strict: bool = False,
        read_only: bool = False,
        durability: Literal["file", "journal"] = "file",
        indent: int = 4,
        default: Default | None = None,
        depth_limit: int = 1024,
        chunk_size_limit: int = 512 << 20,
        journal_limit: int = 64 << 20,
    ) -> None:
        """Opens ``base_dir/project_id``, creates what is missing, takes the lock and recovers.

        When the project cannot be owned the engine is inactive: ``is_active()`` is False, reading
        works, ``on_fault`` is told as soon as it is set. With ``strict=True`` that is raised.

        :param project_id: the name of the project's folder
        :param debounce_delay: seconds between the last edit and its commit
        :param base_dir: where the project's folder lies; None: the working folder of this moment
        :param max_delay: seconds between the first unsaved edit and the commit, at most
        :param strict: raise trouble of the environment
        :param read_only: take no lock and change nothing; works beside a live owner
        :param durability: "file": force_sync() returns when the files are durable; "journal": when
            the journal is, and the files follow
        :param indent: blanks per level in the files
        :param default: called for objects that JSON does not have, as by json.dumps
        :param depth_limit: nesting beyond this is refused
        :param chunk_size_limit: bytes of one chunk
        :param journal_limit: bytes of journal that force a commit
        :raises InvalidNameError: for a project id that is no plain folder name
        """
        if durability not in ("file", "journal"):
            raise InvalidArgumentError("durability must be 'file' or 'journal'")
        base = checked_base_dir(base_dir)
        engine_of = weakref.WeakMethod(self._core_is_dirty)
        checked_name(project_id, "project id")
        self._events = Events(project_id, lambda: bool(_call(engine_of)))
        self._strict = strict
        self._default = default
        self._depth_limit = checked_integer(depth_limit, "depth_limit", 1_000_000)
        self._debounce_delay = debounce_delay
        self._project_id = project_id
        self._core: _core.Engine = _core.Engine(
            project_id,
            os.fsencode(base),
            milliseconds(debounce_delay, "debounce_delay"),
            milliseconds(max_delay, "max_delay"),
            durability == "journal",
            checked_integer(indent, "indent", 16),
            checked_integer(journal_limit, "journal_limit", 2**63 - 1),
            self._depth_limit,
            checked_integer(chunk_size_limit, "chunk_size_limit", 2**63 - 1),
            read_only,
            self._events,
        )
        self._path = Path(self._core.project_path())
        self._check_opened(read_only)
        _open_engines.add(self)

    def _check_opened(self, read_only: bool) -> None:
        try:
            self._core.check_status()
        except MISTAKES:
            raise
        except SafeChunkError as error:
            if self._strict:
                raise
            self._events.fault(error)
            return
        if self._strict and read_only:
            if not _core.project_exists(self._project_id, os.fsencode(self.root_dir)):
                raise NotFoundError("there is no such project", path=str(self._path))
        for event in self._core.recovery_report()["events"]:
            chunk = f" '{event['chunk']}'" if event["chunk"] else ""
            self._events.remember(f"{event['kind']}{chunk}: {event['detail']}")
        if self._core.is_active():
            self._events.status(f"attached to project '{self._project_id}'")

    def _core_is_dirty(self) -> bool:
        return self._core.is_dirty()

    # --- projects

    @classmethod
    def new(
        cls,
        project_id: str | None = None,
        base_dir: str | os.PathLike[str] = "user_projects",
        **options: Any,
    ) -> tuple[SafeChunkEngine | None, str]:
        """Makes a project that did not exist: ``name``, else ``name_1``, ``name_2`` and so on.

        :param project_id: the name; None: "new_project"
        :param options: of the constructor
        :return: the engine and "SUCCESS", or None and the reason
        """
        name = project_id if project_id is not None else "new_project"
        root = Path(base_dir)
        try:
            candidate, count = name, 0
            _core.project_exists(checked_name(name, "project id"), os.fsencode(root))
            root.mkdir(parents=True, exist_ok=True)
            while not _reserve(root / candidate):
                count += 1
                candidate = f"{name}_{count}"
            engine = cls(candidate, base_dir=root, **options)
        except (SafeChunkError, OSError) as error:
            return None, f"FAILED_TO_CREATE: {error}"
        if not engine.is_active() and not options.get("read_only", False):
            return None, f"FAILED_TO_CREATE: {engine.log_history[-1:]}"
        return engine, "SUCCESS"

    @classmethod
    def open(
        cls,
        project_id: str,
        base_dir: str | os.PathLike[str] = "user_projects",
        **options: Any,
    ) -> tuple[SafeChunkEngine | None, str]:
        """Opens a project that exists.

        :param options: of the constructor
        :return: the engine and "SUCCESS", or None and the reason: "PROJECT_NOT_FOUND",
            "PROJECT_ALREADY_OPEN_IN_ANOTHER_PROCESS", or "OPEN_ERROR: ..."
        """
        try:
            # First, because it looks at the name.
            checked_name(project_id, "project id")
            exists = _core.project_exists(project_id, os.fsencode(base_dir))
            if not exists and not os.path.isdir(os.path.join(base_dir, project_id)):
                return None, "PROJECT_NOT_FOUND"
            strict = bool(options.pop("strict", False))
            engine = cls(project_id, base_dir=base_dir, strict=True, **options)
        except errors.LockedError:
            return None, "PROJECT_ALREADY_OPEN_IN_ANOTHER_PROCESS"
        except (SafeChunkError, OSError) as error:
            return None, f"OPEN_ERROR: {error}"
        engine._strict = strict
        return engine, "SUCCESS"

    @staticmethod
    def list_all_projects(base_dir: str | os.PathLike[str] = "user_projects") -> list[str]:
        """The names of all projects in a folder, sorted; empty when there is no such folder."""
        try:
            with os.scandir(base_dir) as entries:
                return sorted(
                    entry.name
                    for entry in entries
                    if entry.is_dir() and os.path.isdir(os.path.join(entry.path, "chunks"))
                )
        except FileNotFoundError:
            return []

    @staticmethod
    def unlock_project(
        project_id: str, base_dir: str | os.PathLike[str] | None = None, *, force: bool = False
    ) -> None:
        """Removes the lock file of a project that nobody holds.

        :param force: also a lock of the original engine whose process seems alive
        :raises LockedError: when a live owner holds it
        """
        checked_name(project_id, "project id")
        _core.unlock(project_id, os.fsencode(checked_base_dir(base_dir)), force)

    def delete_project(self, confirmed: bool = False) -> bool:
        """Removes the project's folder with everything in it, backups and checkpoints too.

        Only of a project that this engine owns, so that nobody else is using it. Irrevocable.

        :param confirmed: must be True
        """
        if not confirmed:
            self._events.status("delete_project needs confirmed=True")
            return False
        if not self.attach():
            return False
        # Out of everybody's reach under the lock, which moves along; then it is taken apart.
        doomed = self._path.with_name(f".deleted-{self._path.name}-{os.urandom(8).hex()}")
        try:
            os.rename(self._path, doomed)
        except OSError as error:
            return self._failed(_from_os(error, "the project cannot be removed"), False)
        self._try(self._core.detach, False)
        try:
            shutil.rmtree(doomed)
        except OSError as error:
            return self._failed(_from_os(error, "the project is only partly removed"), False)
        self._events.status(f"removed project '{self._project_id}'")
        return True

    # --- lifecycle

    def attach(self) -> bool:
        """Takes the project (again). True when this engine owns it."""
        return self._did(self._core.attach)

    def detach(self) -> bool:
        """Commits what is staged and releases the project; True also when already detached.

        False when something could not be saved: it stays in the journal for the next attach.
        """
        saved = self._did(self._core.detach)
        self._events.dirty_changed()
        return saved

    def is_active(self) -> bool:
        """Whether this engine owns the project."""
        return self._core.is_active()

    def is_dirty(self) -> bool:
        """Whether something is staged and not yet committed."""
        return self._core.is_dirty()

    @property
    def owner(self) -> dict[str, Any] | None:
        """Who owns the project: this engine, or the other one that attach() met."""
        return self._core.owner()

    def __enter__(self) -> SafeChunkEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.detach()

    def __del__(self) -> None:
        core = getattr(self, "_core", None)
        if core is not None:
            try:
                core.detach()
            except SafeChunkError as error:
                if not error.reported:
                    self._events.fault(error)

    # --- writing

    def stage_update(
        self, data: object, chunk_name: str, *, default: Default | None = None
    ) -> bool:
        """Takes a copy of `data`; it is committed after debounce_delay, max_delay at the latest.

        From here on the edit survives a crash of the process. The caller may change `data` at once.

        :param data: what json.dumps takes, but NaN, infinities and keys that become the same text
        :param default: called for objects that JSON does not have; instead of the constructor's
        :return: False when the edit was not taken, or is in memory only; on_fault tells
        :raises InvalidTypeError: an object that JSON does not have
        :raises InvalidJsonError: another value that JSON does not have
        """
        return self._staged(
            self._core.stage_update, data, checked_name(chunk_name), default or self._default
        )

    def stage_text(self, json_text: str, chunk_name: str) -> bool:
        """The same with JSON text. Order of keys, number texts and escapes are kept."""
        return self._staged(self._core.stage_text, json_text, checked_name(chunk_name))

    def delete_chunk(self, chunk_name: str) -> bool:
        """Stages the removal of a chunk and of its backup. False when there is none."""
        return self._staged(self._core.remove_chunk, checked_name(chunk_name))

    def force_sync(self) -> bool:
        """Commits everything staged. True: it survives a power cut from here on.

        False when something could not be saved: it stays staged, and is retried.
        """
        return self._did(self._core.force_sync)

    def transaction(self) -> Transaction:
        """Several edits that become visible whole or not at all: a context manager.

        It commits at the end of the block, unless an exception leaves it.
        """
        return Transaction(self._core.transaction(), self._events, self._default, self._depth_limit)

    # --- reading

    def fetch_chunk(self, chunk_name: str) -> Any:
        """A copy of the chunk: what is staged, else what is on disk, healed when damaged.

        :return: {} when there is no such chunk; None when it cannot be read, and on_fault tells
        """
        found = self._try(self._core.find_chunk, None, checked_name(chunk_name), _MISSING)
        return {} if found is _MISSING else found

    read_chunk = fetch_chunk

    def fetch_text(self, chunk_name: str) -> str | None:
        """The chunk's JSON text as it stands in the file; None when there is none."""
        return self._try(self._core.find_text, None, checked_name(chunk_name))

    def list_chunks(self) -> list[str]:
        """The names of all chunks, sorted."""
        return self._try(self._core.list_chunks, list[str]())

    # --- the engine as a mapping from chunk names to values; trouble is always raised

    def __getitem__(self, chunk_name: str) -> Any:
        found = self._core.find_chunk(checked_name(chunk_name), _MISSING)
        if found is _MISSING:
            raise KeyError(chunk_name)
        return found

    def __setitem__(self, chunk_name: str, data: object) -> None:
        self._core.stage_update(data, checked_name(chunk_name), self._default)
        self._events.dirty_changed()

    def __delitem__(self, chunk_name: str) -> None:
        try:
            self._core.remove_chunk(checked_name(chunk_name))
        except NotFoundError:
            raise KeyError(chunk_name) from None
        self._events.dirty_changed()

    def __contains__(self, chunk_name: object) -> bool:
        return isinstance(chunk_name, str) and chunk_name in self._core.list_chunks()

    def __iter__(self) -> Iterator[str]:
        return iter(self._core.list_chunks())

    def __len__(self) -> int:
        return len(self._core.list_chunks())

    def __bool__(self) -> bool:
        return True  # also without chunks: `if engine:` asks whether there is one

    def keys(self) -> list[str]:
        """The names of all chunks, sorted."""
        return self._core.list_chunks()

    # --- checkpoints

    def create_checkpoint(
        self,
        label: str = "manual",
        retention: int = 10,
        *,
        notes: str = "",
        progress: Progress | None = None,
    ) -> str | None:
        """Commits, then writes and verifies a zip archive of all chunks and backups.

        :param retention: so many of this engine's archives stay, the newest
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

        The state of before is kept as the checkpoint ``before_restore``.
        """
        checked_name(filename, "checkpoint")
        done = self._did(self._core.restore_checkpoint, filename, progress)
        self._events.dirty_changed()
        return done

    def delete_checkpoint(self, filename: str) -> bool:
        """Removes an archive. False when there is none."""
        return self._did(self._core.delete_checkpoint, checked_name(filename, "checkpoint"))

    # --- health

    def get_health_report(self) -> dict[str, Any]:
        """The original's engine_active, dirty_buffer, storage_usage (percent of the disk),
        orphaned_artifacts and shards, and more. Empty when it cannot be made."""
        return self._try(self._core.health_report, dict[str, Any]())

    def get_recovery_report(self) -> dict[str, Any]:
        """What the last attach found and did: clean, and a list of events (kind, chunk, detail)."""
        return self._core.recovery_report()

    def verify(self, *, progress: Progress | None = None) -> dict[str, Any]:
        """Judges every file and changes nothing: sound, and a list of files (state, path, detail).
        Empty when it failed or was cancelled."""
        return self._try(self._core.verify, dict[str, Any](), progress)

    def repair(self, *, progress: Progress | None = None) -> bool:
        """Heals all that can be healed and quarantines the rest. False when something is lost."""
        return self._did(self._core.repair, progress)

    # --- asyncio: the same without blocking the loop

    def stage_update_async(
        self, data: object, chunk_name: str, *, default: Default | None = None
    ) -> Coroutine[Any, Any, bool]:
        """As stage_update(). The copy is taken at the call, not when it is awaited."""
        text = _core.dump(data, default or self._default, self._depth_limit)
        return asyncio.to_thread(self.stage_text, text, checked_name(chunk_name))

    async def fetch_chunk_async(self, chunk_name: str) -> Any:
        """As fetch_chunk()."""
        return await asyncio.to_thread(self.fetch_chunk, chunk_name)

    async def force_sync_async(self) -> bool:
        """As force_sync()."""
        return await asyncio.to_thread(self.force_sync)

    async def create_checkpoint_async(
        self,
        label: str = "manual",
        retention: int = 10,
        *,
        notes: str = "",
        progress: Progress | None = None,
    ) -> str | None:
        """As create_checkpoint(); `progress` is called on another thread."""
        call = functools.partial(
            self.create_checkpoint, label, retention, notes=notes, progress=progress
        )
        return await asyncio.to_thread(call)

    async def restore_checkpoint_async(
        self, filename: str, *, progress: Progress | None = None
    ) -> bool:
        """As restore_checkpoint(); `progress` is called on another thread."""
        call = functools.partial(self.restore_checkpoint, filename, progress=progress)
        return await asyncio.to_thread(call)

    async def detach_async(self) -> bool:
        """As detach()."""
        return await asyncio.to_thread(self.detach)

    async def __aenter__(self) -> SafeChunkEngine:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.detach_async()

    # --- attributes

    @property
    def project_id(self) -> str:
        """The project's name."""
        return self._project_id

    @property
    def debounce_delay(self) -> float:
        """Seconds between the last edit and its commit."""
        return self._debounce_delay

    @property
    def root_dir(self) -> Path:
        """The folder in which the project's folder lies; absolute."""
        return self._path.parent

    base_dir_path = root_dir

    @property
    def project_path(self) -> Path:
        """The project's folder; absolute."""
        return self._path

    @property
    def chunks_path(self) -> Path:
        """Where the JSON files are."""
        return self._path / "chunks"

    @property
    def backup_path(self) -> Path:
        """Where their previous versions are."""
        return self._path / "chunks_bak"

    @property
    def checkpoint_path(self) -> Path:
        """Where the archives are."""
        return self._path / "checkpoints"

    @property
    def lock_file(self) -> Path:
        """The file that tells who owns the project."""
        return self._path / ".lock"

    @property
    def log_history(self) -> list[str]:
        """The last 50 things that on_status and on_fault were told, with their time."""
        return self._events.history

    @property
    def on_status(self) -> Callable[[str], object] | None:
        """Called with one line when something happened; on the thread that did it."""
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
        """Called with a Fault, which is a str. What was met before is delivered when it is set."""
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

    def __repr__(self) -> str:
        state = "active" if self.is_active() else "inactive"
        return f"<SafeChunkEngine {str(self._path)!r} ({state})>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an engine cannot be pickled: open the project by its name instead")

    __copy__ = __reduce__

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        raise TypeError("an engine cannot be copied: use the same one, it is safe for threads")

    # --- calling the engine

    def _try(
        self, call: Callable[..., _T], otherwise: _Otherwise, *arguments: object
    ) -> _T | _Otherwise:
        """What `call` gives; `otherwise` when the environment prevents it and that is not raised."""
        try:
            return call(*arguments)
        except MISTAKES:
            raise
        except SafeChunkError as error:
            return self._failed(error, otherwise)

    def _did(self, call: Callable[..., None], *arguments: object) -> bool:
        return self._try(call, False, *arguments) is None

    def _staged(self, call: Callable[..., None], *arguments: object) -> bool:
        taken = self._did(call, *arguments)
        self._events.dirty_changed()
        return taken

    def _failed(self, error: SafeChunkError, otherwise: _Otherwise) -> _Otherwise:
        # That something is not there, or was cancelled, is an answer.
        if not error.reported and not isinstance(error, (NotFoundError, CancelledError)):
            self._events.fault(error)
        if self._strict:
            raise error
        return otherwise


def _reserve(folder: Path) -> bool:
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def _from_os(error: OSError, message: str) -> SafeChunkError:
    return errors.InputOutputError(
        f"{message}: {error.strerror}", path=str(error.filename or ""), os_errno=error.errno or 0
    )


def _call(method: weakref.WeakMethod[Callable[[], bool]]) -> bool | None:
    found = method()
    return found() if found is not None else None


# --- the end of the interpreter

_open_engines: weakref.WeakSet[SafeChunkEngine] = weakref.WeakSet()


@atexit.register
def _detach_all() -> None:
    """While threads and handlers still work: nothing may wait for the interpreter after its end."""
    for engine in list(_open_engines):
        try:
            engine._core.detach()
        except SafeChunkError as error:
            if not error.reported:
                engine._events.fault(error)
    _core.stop_handlers()
