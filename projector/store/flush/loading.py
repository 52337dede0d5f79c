"""The transcript of a session as the projection has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from journal.format.bounds import is_moment
from projector.db.columns import Columns, decode, from_columns
from projector.db.kinds import MESSAGE
from projector.fold.messages import IN_TRANSCRIPT
from projector.fold.sweeps import joined, reach
from projector.run.hiding import hidden_by
from projector.store.flush.transcript import Recorded, Transcript, other_parent, refused
from projector.store.flush.words import words
from projector.views.sessions import TIES, UUID

if TYPE_CHECKING:
    from pathlib import Path

    import apsw


def load(db: apsw.Connection, session: str, journal: Path) -> Transcript:
    """Read the transcript of a session, and what the projection hides.

    Args:
        db: the projection.
        session: id of the session.
        journal: the journal's folder, which has the keys of requests.

    Raises:
        JournalOpenError: there are requests, and the file of the keys cannot be read.
    """
    transcript = Transcript(hidden_by(db, journal))
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
