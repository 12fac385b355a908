"""The class that applications use."""

from __future__ import annotations

import asyncio
import atexit
import inspect
import os
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NoReturn

from . import _core, _models, _numbers, errors
from ._arguments import (
    MODES,
    Default,
    checked_base_dir,
    checked_integer,
    checked_mode,
    checked_name,
    checked_timeout,
    milliseconds,
)
from ._asyncio import Asyncio
from ._attributes import Attributes
from ._calls import ParseNumber, Progress
from ._events import Events
from ._health import with_other_names
from ._logs import Logs
from ._places import checked_place, checked_place_path
from ._ownership import Claim, find_claim, opening
from ._watch import Watching
from .errors import MISTAKES, InvalidArgumentError, LockedError, NotFoundError, SafeChunkError

_core.set_makers(errors.make_error, errors.make_bad_value)
_core.set_models(_models.dump_of)
_core.set_numbers(_numbers.integer_of, _numbers.text_of, _numbers.BigFloat)

_MAX_DELAY = 5.0


class SafeChunkEngine(Asyncio, Attributes, Watching, Logs):
    """One project: a folder of JSON files that this object owns, or only reads.

    Threads may share an engine. A child process that was forked gets an inactive one; to use the
    project from a process that was spawned, open it there. Engines that are still open when the
    interpreter ends are detached.

    When the environment fails (disk, permissions, another owner), a method reports that to
    ``on_fault`` and returns False or None; with ``strict=True`` it raises a SafeChunkError. A wrong
    argument always raises (TypeError, ValueError). A fault that neither ``on_fault`` nor `logging`
    takes is printed on stderr, once for each code.
    """

    VERSION: str = _core.version

    def __init__(
        self,
        project_id: str,
        debounce_delay: float = 1.0,
        base_dir: str | os.PathLike[str] | None = None,
        *,
        max_delay: float = _MAX_DELAY,
        force_save_delay: float | None = None,
        strict: bool = False,
        mode: Literal["owner", "shared", "read"] = "owner",
        read_only: bool = False,
        lock_timeout: float | None = None,
        wait: bool = False,
        durability: Literal["file", "journal"] = "file",
        indent: int = 4,
        default: Default | None = None,
        parse_int: ParseNumber | None = None,
        parse_float: ParseNumber | None = None,
        depth_limit: int = 1024,
        chunk_size_limit: int = 512 << 20,
        journal_limit: int = 64 << 20,
        file_mode: int = 0,
        weak_locks: bool = False,
        weak_folders: bool = False,
        place: Literal["project", "in_place", "file"] = "project",
    ) -> None:
        """Opens ``base_dir/project_id``, creates what is missing, takes the lock and recovers.

        When the project cannot be owned the engine is inactive: ``is_active()`` is False, reading
        works, ``on_fault`` gets the reason as soon as it is set, and a NotOwnedWarning is given
        unless `logging` is set up. With ``strict=True`` the constructor raises instead.

        :param project_id: the name of the project's folder
        :param debounce_delay: seconds between the last edit and its commit
        :param base_dir: where the project's folder lies; None: the present working folder; "~" is
            the home folder
        :param max_delay: seconds between the first unsaved edit and the commit, at most
        :param force_save_delay: another name of max_delay
        :param strict: raise failures of the environment (disk, permissions, another owner)
        :param mode: who may write: "owner": this engine alone. "shared": several processes in turn;
            each edit waits for the others, sees what they have written, and is durable in its file
            when the call returns. "read": take no lock and change nothing
        :param read_only: the same as ``mode="read"``
        :param lock_timeout: seconds to wait while somebody else has the project: as an owner here
            and in attach(), shared before each edit. None: not at all, and 10
        :param wait: when another owner still has it, take the project later, as soon as it is free,
            on a thread of its own; until then the engine is inactive, also with ``strict=True``
        :param durability: "file": force_sync() returns when the files are durable; "journal": when
            the journal is, and the files follow
        :param indent: blanks per level in the files
        :param default: called for objects that JSON does not have, as by json.dumps
        :param parse_int: called with the text of each integer that is read, as by json.loads
        :param parse_float: the same for numbers with a fraction or an exponent. Without it a number
            that float cannot hold (``1e400``) is a BigFloat
        :param depth_limit: nesting beyond this is refused
        :param chunk_size_limit: bytes of one chunk
        :param journal_limit: bytes of journal that force a commit
        :param file_mode: what the files that are made allow at most, from the first byte on: 0o600 for
            secrets; a chunk that allows more gets it with its next save. 0: as the umask says
        :param weak_locks: where the file system has no locks (flock), let the text of the lock file
            decide alone; two owners at a time are then not ruled out
        :param weak_folders: where the file system cannot sync folders, do without; a power cut may
            then undo what was saved
        :param place: what ``base_dir/project_id`` is: a folder of its own, or what in_place() and
            open_file() open
        :raises InvalidNameError: for a project id that is no plain folder name
        """
        if durability not in ("file", "journal"):
            raise InvalidArgumentError("durability must be 'file' or 'journal'")
        if force_save_delay is not None:
            if max_delay != _MAX_DELAY:
                raise InvalidArgumentError("max_delay and force_save_delay are the same: give one")
            max_delay = force_save_delay
        base = checked_base_dir(base_dir)
        engine_of = weakref.WeakMethod(self._core_is_dirty)
        self._place = checked_place(place)
        if self._place == 0:
            checked_name(project_id, "project id")
        self._events = Events(project_id, lambda: bool(_call(engine_of)))
        self._strict = strict
        self._default = default
        self._parse_int = parse_int
        self._parse_float = parse_float
        mode_number = checked_mode(mode, read_only)
        is_shared = mode_number == MODES.index("shared")
        # An owner waits in Python, where the user can interrupt it.
        self._lock_timeout = 0.0 if lock_timeout is None or is_shared else checked_timeout(lock_timeout)
        turn_timeout = checked_timeout(10.0 if lock_timeout is None else lock_timeout)
        self._depth_limit = checked_integer(depth_limit, "depth_limit", 1_000_000)
        self._debounce_delay = debounce_delay
        self._project_id = project_id
        self._core = _core.Engine(
            project_id.encode("utf-8", "surrogateescape"),
            self._place,
            os.fsencode(base),
            milliseconds(debounce_delay, "debounce_delay"),
            milliseconds(max_delay, "max_delay"),
            durability == "journal",
            checked_integer(indent, "indent", 16),
            checked_integer(journal_limit, "journal_limit", 2**63 - 1),
            self._depth_limit,
            checked_integer(chunk_size_limit, "chunk_size_limit", 2**63 - 1),
            mode_number,
            turn_timeout * 1000 if is_shared else 0.0,
            checked_integer(file_mode, "file_mode", 0o666),
            weak_locks,
            weak_folders,
            self._events,
        )
        self._path = Path(self._core.project_path())
        self._claim = Claim(self._core, self._path, self)
        self._followers = weakref.WeakSet()
        _open_engines.add(self)
        self._check_opened(mode_number == MODES.index("read"), wait)

    def _check_opened(self, read_only: bool, wait: bool) -> None:
        try:
            try:
                self._core.check_status()
            except LockedError as error:
                if self._lock_timeout == 0:
                    raise self._claim.explain(error) from None
                self._claim.take(self._lock_timeout)
        except MISTAKES:
            raise
        except SafeChunkError as error:
            if wait and isinstance(error, LockedError):
                self._events.status(f"waiting for project '{self._project_id}': {error.message}")
                self._claim.wait(_method_of(self._waited))
            elif self._strict:
                raise
            else:
                self._claim.refused(error)
                self._events.not_owned(error)
            return
        self._remember_recovery(read_only)

    def _waited(self, failure: SafeChunkError | None) -> None:
        """Called on the thread that waited."""
        if failure is None:
            self._remember_recovery(read_only=False)
        elif not failure.reported:
            self._events.fault(failure)

    def _remember_recovery(self, read_only: bool) -> None:
        if self._strict and read_only:
            if self._place == 0 and not _core.project_exists(self._project_id, os.fsencode(self.root_dir)):
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
        :raises TypeError: for an option that the constructor does not have
        """
        name = project_id if project_id is not None else "new_project"
        root = Path(checked_base_dir(base_dir))
        inspect.signature(cls).bind(name, base_dir=root, **options)  # before any folder is made
        made: Path | None = None
        try:
            candidate, count = name, 0
            _core.project_exists(checked_name(name, "project id"), os.fsencode(root))
            root.mkdir(parents=True, exist_ok=True)
            while not _reserve(root / candidate):
                count += 1
                candidate = f"{name}_{count}"
            made = root / candidate
            engine = cls(candidate, base_dir=root, **options)
        except (SafeChunkError, OSError, TypeError) as error:
            if made is not None:
                _remove_if_empty(made)
            if isinstance(error, TypeError):
                raise
            return None, f"FAILED_TO_CREATE: {error}"
        is_reader = options.get("read_only", False) or options.get("mode") == "read"
        if not engine.is_active() and not is_reader:
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
        root = checked_base_dir(base_dir)
        try:
            # First, because it looks at the name.
            checked_name(project_id, "project id")
            exists = _core.project_exists(project_id, os.fsencode(root))
            if not exists and not os.path.isdir(os.path.join(root, project_id)):
                return None, "PROJECT_NOT_FOUND"
            strict = bool(options.pop("strict", False))
            engine = cls(project_id, base_dir=root, strict=True, **options)
        except errors.LockedError:
            return None, "PROJECT_ALREADY_OPEN_IN_ANOTHER_PROCESS"
        except (SafeChunkError, OSError) as error:
            return None, f"OPEN_ERROR: {error}"
        engine._strict = strict
        return engine, "SUCCESS"

    @classmethod
    def in_place(cls, folder: str | os.PathLike[str], **options: Any) -> SafeChunkEngine:
        """Opens a folder of JSON files where it is: each ``NAME.json`` in it is the chunk NAME.

        The files keep their indentation, the order of their members, their final newline and their
        byte-order mark. Other files of the folder are left alone. Lock, journal, backups and
        checkpoints lie in ``.safechunk`` in it, which may be deleted after detach().

        :param folder: which must be there
        :param options: of the constructor; a relative path begins at ``base_dir``
        """
        return cls(checked_place_path(folder), place="in_place", **options)

    @classmethod
    def shared(
        cls,
        project_id: str,
        debounce_delay: float = 1.0,
        base_dir: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> SafeChunkEngine:
        """The engine that this process has open for the project; opened now when there is none.

        For code that runs more than once in a process, as a notebook's cell or a reloaded module.

        :param options: of the constructor; used only when the project is opened now
        """
        path = Path(os.path.abspath(checked_base_dir(base_dir)), checked_name(project_id))
        with opening:
            claim = find_claim(path)
            engine = claim.owner() if claim is not None else None
            if isinstance(engine, cls):
                return engine
            return cls(project_id, debounce_delay, base_dir, **options)

    @staticmethod
    def list_all_projects(base_dir: str | os.PathLike[str] = "user_projects") -> list[str]:
        """The names of all projects in a folder, sorted; empty when there is no such folder."""
        try:
            with os.scandir(checked_base_dir(base_dir)) as entries:
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
        if self._place != 0:
            raise InvalidArgumentError("these files are not the engine's to delete; see release()")
        if not self.attach():
            return False
        # Rename first: the lock moves with the folder, and nobody can open the project any more.
        # Then remove the content.
        doomed = self._path.with_name(f".deleted-{self._path.name}-{os.urandom(8).hex()}")
        try:
            os.rename(self._path, doomed)
        except OSError as error:
            return self._failed(_from_os(error, "the project cannot be removed"), False)
        self._try(self._claim.release, False)
        try:
            shutil.rmtree(doomed)
        except OSError as error:
            return self._failed(_from_os(error, "the project is only partly removed"), False)
        self._events.status(f"removed project '{self._project_id}'")
        return True

    # --- lifecycle

    def attach(self) -> bool:
        """Takes the project (again); waits for it as long as ``lock_timeout`` says. True when this
        engine owns it."""
        return self._did(self._claim.take, self._lock_timeout)

    def detach(self) -> bool:
        """Commits what is staged and releases the project; True also when already detached.

        False when something could not be saved: it stays in the journal for the next attach.
        """
        saved = self._did(self._claim.release)
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
        """The owner: this engine, or the other one because of which attach() failed."""
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
        self._close_followers()

    def __del__(self) -> None:
        claim = getattr(self, "_claim", None)
        if claim is not None:
            try:
                claim.release()
            except SafeChunkError as error:
                if not error.reported:
                    self._events.fault(error)

    # --- health

    def get_health_report(self) -> dict[str, Any]:
        """The original's engine_active, dirty_buffer, storage_usage (percent of the disk),
        orphaned_artifacts and shards, and more, also under the names of its later versions. Empty
        when it cannot be made."""
        report = self._try(self._core.health_report, dict[str, Any]())
        return with_other_names(report, self._project_id, self._path) if report else report

    def get_recovery_report(self) -> dict[str, Any]:
        """The recovery of the last attach: clean, and a list of events (kind, chunk, detail)."""
        return self._core.recovery_report()

    def verify(self, *, progress: Progress | None = None) -> dict[str, Any]:
        """Judges every file and changes nothing: sound, and a list of files (path, state, detail).
        Empty when it failed or was cancelled."""
        return self._try(self._core.verify, dict[str, Any](), progress)

    def repair(self, *, progress: Progress | None = None) -> bool:
        """Heals all that can be healed and quarantines the rest. False when something is lost."""
        return self._did(self._core.repair, progress)

    # --- asyncio, as far as it is about the lifecycle

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
        self._close_followers()

    # --- identity

    def __repr__(self) -> str:
        state = "active" if self.is_active() else "inactive"
        return f"<SafeChunkEngine {str(self._path)!r} ({state})>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an engine cannot be pickled: open the project by its name instead")

    __copy__ = __reduce__

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        raise TypeError("an engine cannot be copied: use the same one, it is safe for threads")


def _reserve(folder: Path) -> bool:
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        pass  # something is in it: it stays


def _method_of(method: Callable[[SafeChunkError | None], None]) -> Callable[..., None]:
    """Calls `method` as long as its object is there, and does not keep the object."""
    weak = weakref.WeakMethod(method)

    def call(failure: SafeChunkError | None) -> None:
        found = weak()
        if found is not None:
            found(failure)

    return call


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
    """Runs while threads and handlers still work: after the end of the interpreter nothing may wait
    for it."""
    for engine in list(_open_engines):
        try:
            engine._claim.release()
        except SafeChunkError as error:
            if not error.reported:
                engine._events.fault(error)
    _core.stop_handlers()
