"""What the relay remembers between runs. It may be deleted: the files and the carrier say it again.

`state.db` has, of each own segment, what was sent; of each mirror, its checksum; the place in the
stream; the holes; and what the other machines reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic, sleep
from typing import TYPE_CHECKING

import apsw

from projector.relay.chunk import Place, Whole
from projector.relay.errors import RelayError
from projector.relay.files.held import Held
from projector.relay.inbound import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sent(
    lane INTEGER, number INTEGER, segment TEXT, size INTEGER, crc INTEGER, fence INTEGER,
    whole INTEGER, PRIMARY KEY(lane, number, segment)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mirror(
    machine TEXT, lane INTEGER, number INTEGER, segment TEXT, size INTEGER, crc INTEGER,
    whole INTEGER, inode INTEGER, PRIMARY KEY(machine, lane, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hole(
    machine TEXT, lane INTEGER, number INTEGER, segment TEXT, end INTEGER, size INTEGER,
    crc INTEGER, PRIMARY KEY(machine, lane, number, segment)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sender(machine TEXT PRIMARY KEY, user TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS peer(
    machine TEXT PRIMARY KEY, seen INTEGER, have TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS erased(segment TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept_out(
    machine TEXT, lane INTEGER, number INTEGER, segment TEXT, what TEXT, since INTEGER,
    PRIMARY KEY(machine, lane, number, segment)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS problem(what TEXT PRIMARY KEY, since INTEGER) WITHOUT ROWID;
"""
STATE = "state.db"
"""Name of the file."""
_BUSY = 5_000
"""Milliseconds to wait for `journal relay status`, which reads."""
_PAUSE = 0.01
"""Seconds between two tries where SQLite does not wait by itself."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What the carrier has of an own segment.

    Attributes:
        size: bytes.
        crc: CRC-32 of these.
        fence: what the next chunk must name; None if the carrier must be asked.
        is_whole: whether its end was sent.
    """

    size: int = 0
    crc: int = 0
    fence: int | None = None
    is_whole: bool = False


class State:
    """`state.db`; open inside a `with`, which raises `RelayError` if the file cannot be used.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mirrors: dict[tuple[str, int, int], Held] = {}
        """What the table has, for `commit`."""

    def __enter__(self) -> Self:
        try:
            self._db = apsw.Connection(str(self._path))
            self._db.set_busy_timeout(_BUSY)
            self._make_tables()
            self._mirrors = {_key(each.place)[:3]: each for each in self.mirrors()}
        except apsw.Error as error:
            raise self._unusable(error) from error
        return self

    def _make_tables(self) -> None:
        """Make the tables that are missing.

        SQLite waits for no other process when it begins to use a WAL: `journal relay status` would
        end a relay that starts in the same moment.
        """
        until = monotonic() + _BUSY / 1000
        while True:
            try:
                self._db.execute(_SCHEMA).fetchall()  # each runs when the one before it is read
            except apsw.BusyError:
                if monotonic() > until:
                    raise
                sleep(_PAUSE)
            else:
                return

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._db.close()
        except apsw.Error as failed:
            error = error or failed
        if isinstance(error, apsw.Error):
            raise self._unusable(error) from error

    def _unusable(self, error: apsw.Error) -> RelayError:
        return RelayError(
            f"cannot use {self._path}: {error}; it may be deleted while no relay runs"
        )

    def get(self, key: str, default: str = "") -> str:
        """Return a remembered text."""
        found = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).get
        return default if found is None else str(found)

    def put(self, **values: str | int) -> None:
        """Remember texts and numbers."""
        with self._db:
            for pair in values.items():
                self._db.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", pair)

    def begin_again(self, stream: str, machine: str) -> None:
        """Forget what was sent to another stream or as another machine, and the place in it."""
        with self._db:
            self._db.execute("DELETE FROM sent")
            self._db.execute("DELETE FROM erased")
            self._db.execute("DELETE FROM kept_out")
            self.put(stream=stream, machine=machine, cursor=0, mark="", replicas=0, most_replicas=0)

    def note_replicas(self, servers: int) -> None:
        """Remember how many servers have the stream, and how many had it at most."""
        most = max(servers, int(self.get("most_replicas", "0")))
        if self.get("replicas") != str(servers):
            self.put(replicas=servers, most_replicas=most)

    def replicas(self) -> tuple[int, int]:
        """Return how many servers have the stream, and how many had it at most; 0 if unknown."""
        return int(self.get("replicas", "0")), int(self.get("most_replicas", "0"))

    def sent(self) -> dict[tuple[int, int, str], Sent]:
        """Return what was sent of each own segment, by lane, number and uuid."""
        return {
            (lane, number, segment): Sent(size, crc, fence, bool(whole))
            for lane, number, segment, size, crc, fence, whole in self._db.execute(
                "SELECT lane, number, segment, size, crc, fence, whole FROM sent"
            )
        }

    def note_sent(self, found: Mapping[tuple[int, int, str], Sent]) -> None:
        """Remember what was sent of own segments, by lane, number and uuid."""
        with self._db:
            for key, sent in found.items():
                row = (*key, sent.size, sent.crc, sent.fence, sent.is_whole)
                self._db.execute("INSERT OR REPLACE INTO sent VALUES(?, ?, ?, ?, ?, ?, ?)", row)

    def drop_sent(self, key: tuple[int, int, str]) -> None:
        """Forget an own segment, which is replaced."""
        self._db.execute("DELETE FROM sent WHERE (lane, number, segment) = (?, ?, ?)", key)

    def mirrors(self) -> list[Held]:
        """Return what was measured of the mirrors."""
        rows = self._db.execute(
            "SELECT machine, lane, number, segment, size, crc, whole, inode FROM mirror"
        )
        return [
            Held(Place(machine, lane, number, segment), size, crc, bool(whole), inode)
            for machine, lane, number, segment, size, crc, whole, inode in rows
        ]

    def drop_mirror(self, place: Place) -> None:
        """Forget what was measured of a mirror."""
        key = _key(place)[:3]
        self._db.execute("DELETE FROM mirror WHERE (machine, lane, number) = (?, ?, ?)", key)

    def holes(self) -> dict[Place, Wanted]:
        """Return the holes."""
        return {
            Place(machine, lane, number, segment): Wanted(
                end, None if size is None else Whole(size, crc)
            )
            for machine, lane, number, segment, end, size, crc in self._db.execute(
                "SELECT machine, lane, number, segment, end, size, crc FROM hole"
            )
        }

    def commit(
        self,
        cursor: tuple[int, str],
        mirrors: Iterable[Held],
        holes: dict[Place, Wanted],
        problems: Iterable[str],
        now: int,
    ) -> None:
        """Remember, in one transaction, what has arrived up to a cursor.

        Args:
            cursor: the place in the stream, and the mark of what is there.
            mirrors: all of them.
            holes: all of them.
            problems: all of them.
            now: microseconds since 1970.
        """
        held = {_key(each.place)[:3]: each for each in mirrors}
        changed = [each for key, each in held.items() if self._mirrors.get(key) != each]
        gone = [each for key, each in self._mirrors.items() if key not in held]
        with self._db:
            self.put(cursor=cursor[0], mark=cursor[1])
            for each in gone:
                self.drop_mirror(each.place)
            for each in changed:
                self._db.execute(
                    "INSERT OR REPLACE INTO mirror VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                    (*_key(each.place), each.size, each.crc, each.is_whole, each.inode),
                )
            self._db.execute("DELETE FROM hole")
            for place, wanted in holes.items():
                whole = (wanted.whole.size, wanted.whole.crc) if wanted.whole else (None, None)
                row = (*_key(place), wanted.end, *whole)
                self._db.execute("INSERT INTO hole VALUES(?, ?, ?, ?, ?, ?, ?)", row)
            found = dict.fromkeys(problems)
            for (what,) in self._db.execute("SELECT what FROM problem").fetchall():
                if what not in found:
                    self._db.execute("DELETE FROM problem WHERE what = ?", (what,))
            for what in found:
                self._db.execute("INSERT OR IGNORE INTO problem VALUES(?, ?)", (what, now))
        self._mirrors = held

    def kept_out(self) -> dict[Place, tuple[str, int]]:
        """Return what is wrong with a segment, such as a fork that was kept out, and since when."""
        rows = self._db.execute("SELECT machine, lane, number, segment, what, since FROM kept_out")
        return {
            Place(machine, lane, number, segment): (what, since)
            for machine, lane, number, segment, what, since in rows
        }

    def note_kept_out(self, place: Place, what: str, since: int) -> None:
        """Remember what is wrong with a segment."""
        row = (*_key(place), what, since)
        self._db.execute("INSERT OR REPLACE INTO kept_out VALUES(?, ?, ?, ?, ?, ?)", row)

    def drop_kept_out(self, place: Place) -> None:
        """Forget what was wrong with a segment."""
        query = "DELETE FROM kept_out WHERE (machine, lane, number, segment) = (?, ?, ?, ?)"
        self._db.execute(query, _key(place))

    def problems(self) -> list[str]:
        """Return what is wrong, oldest first."""
        return [what for (what,) in self._db.execute("SELECT what FROM problem ORDER BY since")]

    def erased(self) -> set[str]:
        """Return the uuids of the segments that were erased in the stream."""
        return {str(segment) for (segment,) in self._db.execute("SELECT segment FROM erased")}

    def note_erased(self, segment: str) -> None:
        """Remember that a segment was erased in the stream."""
        self._db.execute("INSERT OR IGNORE INTO erased VALUES(?)", (segment,))

    def note_sender(self, machine: str, user: str) -> None:
        """Remember which user of the server sends as a machine."""
        self._db.execute("INSERT OR REPLACE INTO sender VALUES(?, ?)", (machine, user))

    def senders(self) -> dict[str, str]:
        """Return the user that sends as each machine."""
        rows = self._db.execute("SELECT machine, user FROM sender")
        return {str(machine): str(user) for machine, user in rows}

    def note_peer(self, machine: str, seen: int, have: str) -> None:
        """Remember what another machine reported, unless a later report is known."""
        query = (
            "INSERT INTO peer VALUES(?, ?, ?) ON CONFLICT DO UPDATE"
            " SET seen = excluded.seen, have = excluded.have WHERE excluded.seen >= seen"
        )
        self._db.execute(query, (machine, seen, have))

    def drop_peer(self, machine: str) -> bool:
        """Forget another machine; return whether it was known."""
        self._db.execute("DELETE FROM peer WHERE machine = ?", (machine,))
        return self._db.changes() > 0

    def peers(self) -> dict[str, tuple[int, str]]:
        """Return when each other machine reported, and what."""
        rows = self._db.execute("SELECT machine, seen, have FROM peer")
        return {machine: (seen, have) for machine, seen, have in rows}


def _key(place: Place) -> tuple[str, int, int, str]:
    return place.machine, place.lane, place.number, place.segment
