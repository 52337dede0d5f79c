"""Message ids: Hermes's are integers, a journal's are text."""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import apsw

_END = 2**53
"""Readers of JSON that have doubles only would round a larger number."""
_NUMBERED = re.compile(r"(0|[1-9][0-9]{0,15})(?:-[0-9a-f]{4})?")


class _Numbers:
    """The numbers that this process gives; a forked child continues from its parent's."""

    def __init__(self) -> None:
        # reentrant: a signal handler may append a message too
        self._lock = threading.RLock()
        self._last = 0
        os.register_at_fork(after_in_child=self._replace_lock)

    def _replace_lock(self) -> None:
        # a thread of the parent may hold the lock, and is not in the child to release it
        self._lock = threading.RLock()

    def next(self) -> int:
        """Return a number above all before it: the time in quarters of a microsecond since 1970."""
        with self._lock:
            self._last = number = max(time.time_ns() // 250, self._last + 1)
        return number


_numbers = _Numbers()


def new_key() -> str:
    """Return the id of a new message; its `number` is above those that this process gave before.

    The random characters keep two processes apart that take the same number.
    """
    return f"{_numbers.next()}-{secrets.token_hex(2)}"


def number(session: str, key: str) -> int:
    """Return the integer by which Hermes knows a message: below 2**53, the same for ever."""
    own = own_number(key)
    if own is not None:
        return own
    digest = blake2b(f"{session}\0{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 12


def own_number(key: str) -> int | None:
    """Return the integer that a message id of Hermes contains; None if it is no id of Hermes."""
    found = _NUMBERED.fullmatch(key)
    return int(found[1]) if found is not None and int(found[1]) < _END else None


def find_id(db: apsw.Connection, session: str, wanted: int) -> str | None:
    """Return the id of the message of a session that has this number; None if there is none."""
    query = "SELECT id FROM all_messages WHERE session = ? AND state <> 'deleted'"
    near = f"{query} AND (id = ? OR (id > ? AND id < ?)) ORDER BY length(id), id"
    # "." is the character after "-"
    digits = str(wanted)
    for (id,) in db.execute(near, (session, digits, f"{digits}-", f"{digits}.")):
        if number(session, id) == wanted:
            return str(id)
    for (id,) in db.execute(query, (session,)):
        if number(session, id) == wanted:
            return str(id)
    return None
