"""The calls of the API that a session used, each by the message that it answered with."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Protocol, Self

import apsw
import orjson

from projector.db.fork_safety import connect
from projector.db.quiet import quiet
from projector.errors import ProjectionError
from projector.export.parts import call_names
from projector.fold.usage import Call

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from projector.views.messages import MessageView

_MANY = 100
"""Calls that are written at a time."""
_CACHE = -1024
"""Memory that is filled before the file is written, in KiB with a minus sign."""
_TABLE = "CREATE TABLE calls (number INTEGER PRIMARY KEY, id TEXT UNIQUE, call BLOB NOT NULL)"
_ADD = "INSERT OR REPLACE INTO calls (id, call) VALUES (?, ?)"
_TAKE = "DELETE FROM calls WHERE id = ? RETURNING call"
_ALL = "SELECT call FROM calls ORDER BY number"


class Calls(Protocol):
    """Calls that are taken one after the other."""

    def take(self, message: MessageView) -> Call | None:
        """Return the call of a message, once; None if it is not known, or of an earlier message."""


class CallsById:
    """Some calls, in memory.

    Args:
        calls: those of a few messages.
    """

    def __init__(self, calls: Iterable[Call]) -> None:
        self._calls = {call.id: call for call in calls if call.id is not None}

    def take(self, message: MessageView) -> Call | None:
        """Return the call of a message, once; None if it is not known, or of an earlier message."""
        names = call_names(message)
        return next((self._calls.pop(n) for n in names if n in self._calls), None)


class KeptCalls:
    """All calls of a session, in a temporary file: there may be hundreds of thousands.

    To be closed, or used in a `with` block. For one thread at a time.

    Args:
        calls: are read at once.

    Raises:
        ProjectionError: the file cannot be written.
    """

    def __init__(self, calls: Iterable[Call]) -> None:
        with _explained(), quiet:
            self._db = _scratch()
            self._db.execute(_TABLE)
            self._db.execute("BEGIN")  # for ever: nothing has to survive this process
        rest = iter(calls)
        # an error of the database that they are read from is none of this file
        while some := [(call.id, _stored(call)) for call in islice(rest, _MANY)]:
            with _explained(), quiet:
                self._db.executemany(_ADD, some)

    def take(self, message: MessageView) -> Call | None:
        """Return the call of a message, once; None if it is not known, or of an earlier message.

        Raises:
            ProjectionError: the file cannot be read.
        """
        with _explained(), quiet:
            return self._taken(call_names(message))

    def _taken(self, names: Iterable[str]) -> Call | None:
        """Return the call of the first name that has one."""
        for name in names:
            found = self._db.execute(_TAKE, (name,)).get
            if found is not None:
                return _call(found)
        return None

    def __iter__(self) -> Iterator[Call]:
        """Yield the calls that were not taken; take none meanwhile.

        Raises:
            ProjectionError: the file cannot be read.
        """
        with _explained():
            for (found,) in self._db.execute(_ALL):
                yield _call(found)

    def close(self) -> None:
        """Remove the file; again does nothing."""
        with quiet:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _scratch() -> apsw.Connection:
    """Make an empty database in a temporary file, which is gone with the connection or the process.

    SQLite makes the file where `SQLITE_TMPDIR` or `TMPDIR` says, else in `/var/tmp` or `/tmp`, and
    only if more is written than the cache holds. It has no name that another process could open.
    """
    db = connect("", apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE, None)
    for name, value in (("journal_mode", "OFF"), ("synchronous", "OFF"), ("cache_size", _CACHE)):
        db.pragma(name, value)
    return db


def _stored(call: Call) -> bytes:
    fields = call.time, call.model, call.provider, call.amounts, call.written_1h, call.id
    return orjson.dumps(fields)


def _call(stored: bytes) -> Call:
    return Call(*orjson.loads(stored))


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        raise ProjectionError(
            f"the calls of a session cannot be kept in a temporary file: {error};"
            " let TMPDIR name a folder with more space"
        ) from error
