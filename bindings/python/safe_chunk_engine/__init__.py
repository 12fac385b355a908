"""SafeChunkEngine: an application's state as plain JSON files, with the safety of a database.

    from safe_chunk_engine import SafeChunkEngine

    with SafeChunkEngine("my_project") as engine:
        engine.stage_update({"name": "Alice"}, "users")
        engine.force_sync()                  # survives a power cut from here on
        print(engine.fetch_chunk("users"))
"""

from ._engine import SafeChunkEngine
from ._numbers import BigFloat
from ._transaction import Transaction
from .errors import (
    CancelledError,
    ConflictError,
    CorruptError,
    Fault,
    InputOutputError,
    InvalidArgumentError,
    InvalidJsonError,
    InvalidNameError,
    InvalidTypeError,
    LockedError,
    NoSpaceError,
    NotFoundError,
    NotOwnedWarning,
    NotOwnerError,
    PermissionDeniedError,
    ReadOnlyError,
    SafeChunkError,
    StorageError,
    TooDeepError,
    TooLargeError,
    UnsupportedFormatError,
)

__version__ = SafeChunkEngine.VERSION

__all__ = [
    "BigFloat",
    "CancelledError",
    "ConflictError",
    "CorruptError",
    "Fault",
    "InputOutputError",
    "InvalidArgumentError",
    "InvalidJsonError",
    "InvalidNameError",
    "InvalidTypeError",
    "LockedError",
    "NoSpaceError",
    "NotFoundError",
    "NotOwnedWarning",
    "NotOwnerError",
    "PermissionDeniedError",
    "ReadOnlyError",
    "SafeChunkEngine",
    "SafeChunkError",
    "StorageError",
    "TooDeepError",
    "TooLargeError",
    "Transaction",
    "UnsupportedFormatError",
    "__version__",
]
