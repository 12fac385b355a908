"""The records of `logging` in a log of a project."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timezone
from typing import Any

from . import _core
from ._events import logger
from ._logs import Log, Logs
from .errors import NotOwnerError, SafeChunkError

# What is no field of the application's own.
_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "asctime",
    "message",
    "taskName",
}
_DEFAULT_NAME = "log"


class LogHandler(logging.Handler):
    """A handler of `logging` that appends one JSON object for each record to a log.

        logging.getLogger().addHandler(LogHandler(engine, "log"))

    The object has ``time`` (ISO 8601, UTC), ``level``, ``logger`` and ``message``; ``exception``,
    the text of the traceback, when there is one; ``extra``, the application's own fields, when
    there are any: those that JSON cannot hold as their repr.

    A record survives a crash of the process when the call that logs returns, and a power cut after
    flush(). Failures never reach the application: they go to handleError(), as those of all
    handlers, which prints them on stderr unless `logging.raiseExceptions` is False. That is so,
    too, of records that come when the engine is detached, but for its own. What the engine itself
    has to say during an append to the log, as a fault of the log, is left out: on_fault has it.
    """

    def __init__(
        self, log: Log | Logs, name: str | None = None, level: int | str = logging.NOTSET
    ) -> None:
        """
        :param log: a log, or an engine
        :param name: with an engine, the log's name; "log" when not given
        :param level: records below it are left out
        """
        super().__init__(level)
        if isinstance(log, Log):
            if name is not None:
                raise TypeError("give name= with an engine, not with a log")
            self._log = log
        else:
            self._log = log.log(_DEFAULT_NAME if name is None else name)
        # A fault of the engine is a record of `logging`, too: on a thread that is in this handler
        # it would come here, and so on.
        self._inside = threading.local()

    @property
    def log(self) -> Log:
        """Where the records go."""
        return self._log

    def emit(self, record: logging.LogRecord) -> None:
        """Appends the record."""
        if getattr(self._inside, "is_set", False):
            return
        self._inside.is_set = True
        try:
            self._log.append(self._value_of(record))
        except RecursionError:  # as the handlers of the standard library
            raise
        except NotOwnerError:
            # The engine says by `logging`, too, that it was detached.
            if record.name != logger.name:
                self.handleError(record)
        except Exception:
            self.handleError(record)
        finally:
            self._inside.is_set = False

    def flush(self) -> None:
        """Makes all records durable. Does nothing when the engine is detached: detaching did it."""
        if not hasattr(self, "_inside") or getattr(self._inside, "is_set", False):
            return
        self._inside.is_set = True
        try:
            self._log.sync()
        except NotOwnerError:
            pass
        except SafeChunkError as error:
            if not error.reported:
                self._log._calls._events.fault(error)
        finally:
            self._inside.is_set = False

    def _value_of(self, record: logging.LogRecord) -> dict[str, Any]:
        value: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(
                timespec="microseconds"
            ),
            "level": _plain(record.levelname),
            "logger": _plain(record.name),
            "message": _plain(record.getMessage()),
        }
        if record.exc_info and record.exc_info[0] is not None and not record.exc_text:
            formatter = self.formatter or logging.Formatter()
            value["exception"] = _plain(formatter.formatException(record.exc_info))
        elif record.exc_text:
            value["exception"] = _plain(record.exc_text)
        if record.stack_info:
            value["stack"] = _plain(record.stack_info)
        extra = {
            _plain(str(key)): self._fitting(field)
            for key, field in vars(record).items()
            if key not in _STANDARD
        }
        if extra:
            value["extra"] = extra
        return value

    def _fitting(self, field: object) -> object:
        """`field`, or its repr when JSON cannot hold it."""
        calls = self._log._calls
        try:
            _core.dump(field, calls._default, calls._depth_limit - 2)
        except Exception:
            return _plain(_repr_of(field))
        return field


def _repr_of(field: object) -> str:
    try:
        return repr(field)
    except Exception as error:
        return f"<{type(field).__name__}, whose repr raises {type(error).__name__}>"


def _plain(text: str) -> str:
    """`text` without halves of surrogate pairs, which UTF-8 does not have."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="backslashreplace").decode()
    return text
