"""Message ids: Hermes's are integers, a journal's are text."""

from __future__ import annotations

import re
import secrets
import threading
import time
from hashlib import blake2b
from typing import TYPE_CHECKING

from journal.process.fork import follow
from projector.db.schema import MESSAGE
from projector.fold.messages import GONE

if TYPE_CHECKING:
    import apsw

_END = 2**53
"""Larger numbers are changed by readers of JSON that only know doubles."""
_NUMBERED = re.compile(r"(0|[1-9][0-9]{0,15})(?:-[0-9a-f]{4})?")


class _Numbers:
    """The numbers that this process gives; a forked child goes on from its parent's."""

    def __init__(self) -> None:
        # a signal handler may make a message, too
        self._turn = threading.RLock()
        self._last = 0
        follow(self)

    def after_fork_in_child(self) -> None:
        """Wait for no thread of the parent."""
        self._turn = threading.RLock()

    def next(self) -> int:
        """Return a number above all before it, in quarters of a microsecond since 1970."""
        with self._turn:
            self._last = number = max(time.time_ns() // 250, self._last + 1)
        return number


_numbers = _Numbers()


def new_key() -> str:
    """Return the key of a new message: `number` of it is above that of all before it here.

    The number is the time in quarters of a microsecond; chance tells the processes apart that
    take the same.
    """
    return f"{_numbers.next()}-{secrets.token_hex(2)}"


def number(session: str, key: str) -> int:
    """Return the integer that stands for a message to Hermes: below 2**53, the same for ever."""
    own = own_number(key)
    if own is not None:
        return own
    digest = blake2b(f"{session}\0{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 12


def own_number(key: str) -> int | None:
    """Return the integer that Hermes knows a message by; None if it is not one of Hermes's."""
    found = _NUMBERED.fullmatch(key)
    return int(found[1]) if found is not None and int(found[1]) < _END else None


def find_key(db: apsw.Connection, session: str, wanted: int) -> str | None:
    """Return the key of the message of a session that a number stands for; None if none has it."""
    name = str(wanted)
    query = (
        "SELECT e.key FROM events e JOIN sessions s ON s.id = e.session"  # noqa: S608 - a constant
        f" WHERE s.session = ? AND e.kind = {MESSAGE} AND e.state < ?"
    )
    near = f"{query} AND (e.key = ? OR (e.key > ? AND e.key < ?)) ORDER BY length(e.key), e.key"
    # "." is the character after "-"
    for (key,) in db.execute(near, (session, GONE, name, f"{name}-", f"{name}.")):
        if number(session, key) == wanted:
            return str(key)
    for (key,) in db.execute(query, (session, GONE)):
        if number(session, key) == wanted:
            return str(key)
    return None
