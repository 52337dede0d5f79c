"""What a generation hides: the requests to forget under which it is built.

They are recorded in the generation. A request that it does not know, and that may name events which
it already shows, needs a new generation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from journal.erasure.request import Request, request_of
from journal.erasure.requests import Forgotten
from journal.errors import counted
from journal.format.event import Event
from journal.format.event_types import ERASURE_REQUESTED, FORGET
from journal.fs.key_file import read_keys
from projector.errors import NotHidden

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import apsw


def record(db: apsw.Connection, forgotten: Forgotten) -> None:
    """Record the requests under which a new generation is built."""
    for request in forgotten.requests:
        _add(db, request, is_understood=forgotten.understands(request))


def recorded(db: apsw.Connection) -> list[tuple[Request, bool]]:
    """Return the requests of a generation, and whether its journal had the key of each."""
    found = []
    for id, time, data, is_understood in db.execute(
        "SELECT id, time, data, understood FROM _requests ORDER BY number"
    ):
        event = Event(FORGET, id, ERASURE_REQUESTED, time, time, orjson.loads(data))
        request = request_of(event)
        if request is not None:
            found.append((request, bool(is_understood)))
    return found


def hidden_by(db: apsw.Connection, journal: Path) -> Forgotten:
    """Return what a generation hides.

    Raises:
        JournalOpenError: there are requests, and the file of the keys cannot be read.
    """
    requests = [request for request, _ in recorded(db)]
    return Forgotten(requests, read_keys(journal) if requests else ())


def _add(db: apsw.Connection, request: Request, *, is_understood: bool) -> None:
    data = orjson.dumps(request.data()).decode()
    db.execute(
        "INSERT INTO _requests(id, time, key, data, understood) VALUES(?, ?, ?, ?, ?)",
        (request.id, request.time, request.key, data, is_understood),
    )


def is_late(db: apsw.Connection, journal: Path) -> bool:
    """Return whether a generation shows what a request forgets whose key was added since."""
    wanted = {key for (key,) in db.execute("SELECT key FROM _requests WHERE NOT understood")}
    return any(key.id in wanted for key in read_keys(journal))


class Hiding:
    """The requests of one generation, and those that it met and does not know.

    Attributes:
        forgotten: what the generation hides.
        is_needed: whether it hides anything.
        unknown: requests that were met and need a new generation, by the folder of the lane that is
            not read any further.
    """

    def __init__(self, db: apsw.Connection, journal: Path) -> None:
        self._db = db
        self._journal = journal
        self._state: object = None
        self.unknown: dict[str, Request] = {}
        self.load()

    def load(self) -> None:
        """Read the requests again, as after a rollback, and the keys where there are requests."""
        query = "SELECT count(*), total(understood) FROM _requests"
        count, understood = self._db.execute(query).fetchall()[0]
        # a journal without requests does not read its keys
        state = count, understood, read_keys(self._journal) if count else ()
        if self._state != state:
            found = recorded(self._db)
            self.forgotten = Forgotten((request for request, _ in found), state[2])
            self._late = [r for r, known in found if not known and self.forgotten.understands(r)]
            self.is_needed = bool(self.forgotten)
            self._state = state

    def knows(self, requests: Iterable[Request]) -> bool:
        """Return whether the generation hides what requests ask to forget, as far as it can."""
        return not self._late and all(map(self.forgotten.knows, requests))

    def check(self) -> None:
        """Look for the keys that were missing when events were applied.

        Raises:
            NotHidden: a request is understood now that was not then.
        """
        if self.forgotten.unknown_keys:
            self.load()
        if self._late:
            raise _error(self._db, self._late)

    def note_missing_keys(self) -> None:
        """Record, in the open transaction, the keys that the generation was built with and lost."""
        rows = [(key,) for key in self.forgotten.unknown_keys]
        self._db.executemany("UPDATE _requests SET understood = 0 WHERE key = ?", rows)

    def stops(self, folder: str, event: Event) -> bool:
        """Return whether an `erasure.requested` needs a new generation.

        Then neither it nor what comes after it in its lane's folder may be applied. A request that
        hides nothing more needs none, nor does one with a key that the journal lacks: it is
        recorded.
        """
        request = request_of(event)
        if request is None or self.forgotten.knows(request):
            return False
        is_covered = self.forgotten.covers(request)
        if not is_covered and any(key.id == request.key for key in read_keys(self._journal)):
            self.unknown[folder] = request
            return True
        _add(self._db, request, is_understood=is_covered)
        self.load()
        return False

    def finish(self) -> None:
        """Raise the error of the requests that were met.

        Raises:
            NotHidden: there are some.
        """
        unknown, self.unknown = self.unknown, {}
        if unknown:
            raise _error(self._db, list(unknown.values()))


def _error(db: apsw.Connection, requests: list[Request]) -> NotHidden:
    return NotHidden(
        f"{db.filename} was built before {counted(len(requests), 'request')} to forget came",
        tuple(requests),
    )
