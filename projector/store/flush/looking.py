"""Reading transcripts from the projection and the lanes, without waiting for a projector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from journal.format.bounds import is_moment
from journal.format.event import check_key
from journal.fs.directory import LANES
from journal.segments.listing import list_segments
from projector.db.columns import Columns, decode, from_columns
from projector.db.kinds import MESSAGE
from projector.errors import ProjectionError
from projector.fold.messages import IN_TRANSCRIPT
from projector.fold.sweeps import joined, reach
from projector.store.flush.memory import Account, Memory
from projector.store.flush.transcript import Recorded, Transcript, other_parent, refused
from projector.store.flush.words import words
from projector.store.handle import Handle
from projector.store.tails import Offsets, applied, is_shorter, read_on, unread
from projector.views.sessions import TIES, UUID

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import apsw

    from journal.lanes.group_commit import Fsync
    from journal.redact.scanner import Scanner

_SCANNED = 8 * 1024 * 1024
"""Unapplied bytes above which a flush waits until they are applied."""
_ATTEMPTS = 3
"""Maximum reads of the projection, if writers keep appending events before earlier ones."""
_NEAR = 512 * 1024
"""Unread bytes up to which a remembered transcript is updated without asking the projection, and
unapplied bytes above which a flush applies them if no other process projects."""


class Looking(Handle):
    """Transcripts, read from the projection and the lanes, and remembered."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fsync: Fsync,
        timeout: float,
        redact: bool | Sequence[Scanner] = False,
    ) -> None:
        super().__init__(path, fsync=fsync, timeout=timeout, redact=redact)
        self._memory = Memory()

    def _open_account(self, session: str) -> Account:
        """Remove the account of a session from the memory, and bring its transcript up to date.

        It waits only if more than 8 MiB are unapplied.

        Raises:
            EventError: that is no id of a session.
            ReadError: a lane cannot be read.
        """
        check_key("session", session)
        account = self._memory.take(session)
        try:
            if not account.is_read or not self._is_near(account.offsets):
                self._load(session, account)
            self._read_on(session, account)
        except BaseException:
            self._memory.put(session, account)
            raise
        return account

    def _is_near(self, offsets: Offsets) -> bool:
        """Return whether reading on is cheaper than reading the projection and its tail."""
        refs = list_segments(self.journal.path / LANES)
        if is_shorter(offsets, refs):
            return False
        behind = unread(offsets, refs)
        return behind <= _NEAR or behind <= min(_SCANNED, self._unapplied())

    def _unapplied(self) -> int:
        """Return how many bytes of the lanes the projection has not applied."""
        refs = list_segments(self.journal.path / LANES)
        try:
            return self.projection.peek(lambda db: unread(applied(db), refs))
        except ProjectionError:
            return unread({}, refs)

    def _load(self, session: str, account: Account) -> None:
        """Read the transcript from the projection."""
        try:
            behind = self._unapplied()
            if behind > _SCANNED:
                self.projection.read(lambda _: None)
            elif behind > _NEAR:
                # where no process projects, each flush of another session would read them again
                self.projection.read(lambda _: None, patience=0)
            loaded = self.projection.peek(lambda db: _loaded(db, session))
        except ProjectionError:  # a broken projection must not stop a writer
            loaded = _loaded(None, session)
        account.transcript, account.offsets = loaded

    def _read_on(self, session: str, account: Account) -> None:
        """Apply what the lanes have gained since the account was read."""
        account.is_read = False  # after an error the transcript may be incomplete
        for _ in range(_ATTEMPTS):
            refs = list_segments(self.journal.path / LANES)
            for at in read_on(account.offsets, refs, session):
                account.transcript.go_on(at.record.event, at.lane, at.record.seq)
            if account.transcript.is_exact:
                break
            try:
                self.projection.read(lambda _: None)
                account.transcript, account.offsets = self.projection.peek(
                    lambda db: _loaded(db, session)
                )
            except ProjectionError:  # a broken projection must not stop a writer
                break
        account.is_read = account.transcript.is_exact


def _loaded(db: apsw.Connection | None, session: str) -> tuple[Transcript, Offsets]:
    return Transcript() if db is None else _transcript(db, session), applied(db)


def _transcript(db: apsw.Connection, session: str) -> Transcript:
    """Read the transcript of a session from the projection."""
    transcript = Transcript()
    number = db.execute("SELECT id FROM _sessions WHERE session = ?", (session,)).get
    if number is None:
        return transcript
    sweeps: list[tuple[Any, ...]] = db.execute(_SWEEPS, (number,)).fetchall()
    if sweeps:
        _, transcript.epoch, transcript.swept, *_ = sweeps[0]
        transcript.reach = joined(
            reach((ord, lane, seq), orjson.loads(rest)) for rest, _, ord, lane, seq in sweeps
        )
    transcript.edited = db.execute(_LAST_EDIT, (number,)).fetchone() or transcript.edited
    transcript.unmet = {id for (id,) in db.execute(_UNMET, (number,))}
    for id, lane, seq in db.execute(_COPIES, (number,)):
        transcript.copies.setdefault(id, {})[lane] = seq
    for row in db.execute(_MESSAGES, (number,)):
        known = _known(row, transcript)
        transcript.messages[known.id] = known
    parents = {known.parent for known in transcript.messages.values() if known.parent is not None}
    transcript.missing = parents - transcript.messages.keys()
    return transcript


_EDITS = "FROM _changes c JOIN _events ON _events.id = c.event WHERE c.session = ?"
_SWEEPS = (
    f"SELECT other_fields, event_id, ord, {UUID}, seq {_EDITS} AND c.message = ''"
    " ORDER BY ord DESC, event_id DESC"
)
_LAST_EDIT = f"SELECT ord, {UUID}, seq {_EDITS} ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT 1"
_UNMET = (
    "SELECT DISTINCT message FROM _changes c WHERE session = ? AND message <> '' AND NOT EXISTS"
    " (SELECT 1 FROM _events e WHERE e.session = c.session AND e.event_id = c.message)"
)
_COPIES = f"SELECT event_id, {UUID}, seq FROM _copies WHERE session = ?"
_MESSAGES = (
    "SELECT event_id, order_time, order_depth, state, original, timestamp, parent, role,"
    f" content, content_is_json, other_fields, {TIES} FROM _events"
    f" WHERE session = ? AND kind = {MESSAGE} ORDER BY lane_row, seq, transcript_index"
)


def _known(row: tuple[Any, ...], transcript: Transcript) -> Recorded:
    """Make a message of a row of the projection; those of a lane must come by number."""
    (
        id,
        order_time,
        depth,
        state,
        original,
        timestamp,
        parent,
        role,
        content,
        is_json,
        other,
        *ties,
    ) = row
    ord, lane, seq, part = ties
    data = from_columns(Columns(timestamp, parent, role, None, content, bool(is_json), other))
    before = data if original is None else decode(original)
    now = words(data)
    first = now if original is None else words(before)
    rank = ord, lane, seq, part
    appended = before.get("timestamp")
    moment = transcript.date(rank, timestamp, appended if is_moment(appended) else None)
    return Recorded(
        id=id,
        words=now,
        first=first,
        refused=None if other is None else refused(data),
        moment=moment,
        parent=other_parent(parent, id),
        place=(order_time, depth),
        rank=rank,
        is_there=state == IN_TRANSCRIPT,
    )
