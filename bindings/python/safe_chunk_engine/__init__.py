"""SafeChunkEngine: an application's state as plain JSON files, with the safety of a database.

    from safe_chunk_engine import SafeChunkEngine

    with SafeChunkEngine("my_project") as engine:
        engine.stage_update({"name": "Alice"}, "users")
        engine.force_sync()                  # survives a power cut from here on
        print(engine.fetch_chunk("users"))
"""

from ._engine import SafeChunkEngine
from ._files import FileEditResult, FileRead, edit_file, read_json_file
from ._log_handler import LogHandler
from ._logs import Log, LogFollower, LogInfo, LogPage, LogRecord
from ._numbers import BigFloat
from ._places import open_file, release
from ._projects import delete_project, list_projects
from ._transaction import Transaction
from ._watch import Change, Watch
from .errors import (
    BeingEditedError,
    CancelledError,
    ConflictError,
    CorruptError,
    Fault,
    HealedError,
    InputOutputError,
    InvalidArgumentError,
    InvalidEditError,
    InvalidJsonError,
    InvalidNameError,
    InvalidTypeError,
    LockedError,
    LostError,
    NoSpaceError,
    NotFoundError,
    NotOwnedWarning,
    NotOwnerError,
    PermissionDeniedError,
    ReadOnlyError,
    RemovedOutsideError,
    SafeChunkError,
    StorageError,
    TooDeepError,
    TooLargeError,
    UnavailableError,
    UnknownOutcomeError,
    UnsupportedFormatError,
)

__version__ = SafeChunkEngine.VERSION

__all__ = [
    "BigFloat",
    "BeingEditedError",
    "CancelledError",
    "Change",
    "ConflictError",
    "CorruptError",
    "Fault",
    "FileEditResult",
    "FileRead",
    "HealedError",
    "InputOutputError",
    "InvalidArgumentError",
    "InvalidEditError",
    "InvalidJsonError",
    "InvalidNameError",
    "InvalidTypeError",
    "LockedError",
    "Log",
    "LogFollower",
    "LogHandler",
    "LogInfo",
    "LogPage",
    "LogRecord",
    "LostError",
    "NoSpaceError",
    "NotFoundError",
    "NotOwnedWarning",
    "NotOwnerError",
    "PermissionDeniedError",
    "ReadOnlyError",
    "RemovedOutsideError",
    "SafeChunkEngine",
    "SafeChunkError",
    "StorageError",
    "TooDeepError",
    "TooLargeError",
    "Transaction",
    "UnavailableError",
    "UnknownOutcomeError",
    "UnsupportedFormatError",
    "Watch",
    "__version__",
    "delete_project",
    "edit_file",
    "list_projects",
    "open_file",
    "read_json_file",
    "release",
]
