"""Message ids: Hermes's are integers, a journal's are text."""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from hashlib import blake2b
from typing import TYPE_CHECKING

from projector.db.schema import MESSAGE
from projector.fold.messages import GONE

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


def find_key(db: apsw.Connection, session: str, wanted: int) -> str | None:
    """Return the key of the message of a session that a number stands for; None if none has it."""
    name = str(wanted)
    query = (
        "SELECT e.event_id FROM _events e JOIN _sessions s ON s.id = e.session"
        f" WHERE s.session = ? AND e.kind = {MESSAGE} AND e.state < ?"
    )
    near = (
        f"{query} AND (e.event_id = ? OR (e.event_id > ? AND e.event_id < ?))"
        " ORDER BY length(e.event_id), e.event_id"
    )
    # "." is the character after "-"
    for (key,) in db.execute(near, (session, GONE, name, f"{name}-", f"{name}.")):
        if number(session, key) == wanted:
            return str(key)
    for (key,) in db.execute(query, (session, GONE)):
        if number(session, key) == wanted:
            return str(key)
    return None
