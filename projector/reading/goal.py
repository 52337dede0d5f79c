"""What an answer must know: all that was acknowledged before the query, or a position."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from journal.segments.settled import Settled
from projector.db.quiet import quiet
from projector.db.schema import APPLIED, UNFOLDED
from projector.db.sqlite_errors import was_removed
from projector.errors import Behind, NotProjected, ProjectionDamaged
from projector.reading.deadline import REFRESHING, Deadline
from projector.run.open_segments import OpenSegments
from projector.run.watermark import finished_ends, lag, load_marks_of, place, reached, replaced

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    from journal.format.position import Position
    from journal.segments.listing import LaneFolder, SegmentRef
    from projector.errors import ProjectionError
    from projector.run.open_segments import Place
    from projector.run.watermark import Mark

HIDING_PATIENCE = 60.0
"""Seconds that a query waits for a running projector to hide what is requested to be forgotten."""
_SHORTEST, _LONGEST, _GROWTH = 0.0005, 0.02, 1.5
"""Seconds between two checks of a projector's progress: a look takes a tenth of the shortest."""
_BEGUN = 30
"""Times that one query begins again when the projection was removed meanwhile."""
_REPLACED = 2
"""Times that the projection is rebuilt for one query; the query itself can be at fault."""


@dataclass(frozen=True, slots=True)
class Own:
    """A position that an answer must include; it is waited for up to `patience` seconds."""

    position: Position
    patience: float

    def is_applied(self, db: apsw.Connection) -> bool:
        """Return whether the position is applied in the snapshot that `db` holds."""
        return has_applied(db, self.position)

    def error(self, why: object = None) -> NotProjected:
        """Return the error of a position that was not applied in time, with the reason if known."""
        because = "" if why is None else f": {why}"
        return NotProjected(
            f"the projection has not reached {self.position} within {self.patience} s{because};"
            " see `projector status`"
        )

    def lost(self) -> NotProjected:
        """Return the error of a position that is not in the journal although all is applied."""
        return NotProjected(
            f"the record at {self.position} is not in the journal any more: its segment was removed"
            " or replaced, as by a backup that was copied back. Append it again with the same id;"
            " see `projector verify`"
        )


class Known:
    """What a handle keeps of the segments between two queries.

    Attributes:
        segments: those that are open.
        settled: the lane folders of which the projection has everything.
    """

    def __init__(self) -> None:
        self.segments = OpenSegments()
        self.settled = Settled()
        self._db: apsw.Connection | None = None

    def is_of(self, db: apsw.Connection) -> bool:
        """Return whether it is of this connection's generation; begin again with it if not."""
        if self._db is db:
            return True
        self._db = db
        self.settled.clear()
        return False


def always(_db: apsw.Connection, _goal: Goal) -> bool:
    """Let each snapshot answer."""
    return True


class Goal:
    """What the answer to one query must know, and how long that is waited for.

    Attributes:
        trouble: why the projection cannot be queried; None if it can.
        hindrance: why new events cannot be applied; None if only time is missing.
        is_tried: whether this process has tried to apply them.
        is_missed: whether all events were applied for this query, and its snapshot lacked some.
        deadline: when applying must end.
        spend: seconds for which this process applies events at a time; None means until all are.
        hiding_patience: how long a running projector is waited for that must hide something.
    """

    def __init__(
        self,
        folders: list[LaneFolder],
        patience: float,
        own: Own | None,
        deadline: Deadline,
        known: Known | None = None,
        may_answer: Callable[[apsw.Connection, Goal], bool] = always,
        spend: float | None = None,
    ) -> None:
        self._folders = folders
        self._known = Known() if known is None else known
        self._refs = self._known.settled.rest(folders)
        self._others: list[SegmentRef] = []
        self._ends: dict[Place, int] = {}
        self._own = own
        self._may_answer = may_answer
        self.deadline = deadline
        self.hiding_patience = Deadline(HIDING_PATIENCE)
        self._patience = Deadline(patience)
        self._own_patience = Deadline(0.0 if own is None else max(patience, own.patience))
        self._pause = _SHORTEST
        self._given_up = False
        self.spend = spend
        self.is_tried = False
        self._marks: dict[Place, Mark] = {}
        self.hindrance: Exception | None = None
        self.is_missed = False
        self._replaced = 0
        self._begun = 0
        self.trouble: ProjectionError | None = None

    def has_own(self, db: apsw.Connection) -> bool:
        """Return whether a snapshot has the position that the answer must include."""
        return self._own is None or self._own.is_applied(db)

    def is_reached(self, db: apsw.Connection) -> bool:
        """Return whether the snapshot that `db` holds has all that was acknowledged before.

        Raises:
            NotProjected: all is applied, and the position that the answer must include is in no
                segment.
            ReadError: a segment cannot be read.
        """
        self._load(db)
        if not reached(self._marks, self._ends):
            return False  # what is applied next compares the segments, too
        if self._others:
            looked_at, self._others = (
                self._others,
                replaced(self._marks, self._others, self._known.segments),
            )
            others = set(map(place, self._others))
            same = {place(ref): ref.version for ref in looked_at if place(ref) not in others}
            self._known.segments.compared.update(same)
            if self._others:
                return False
        self._known.settled.add(self._folders)
        if db.execute(UNFOLDED).fetchone() is not None:
            return False
        if self.has_own(db):
            return True
        if self._own is not None and self.is_missed:
            raise self._own.lost()
        return False

    def _load(self, db: apsw.Connection) -> None:
        """Read how far the segments are applied that may have changed since the last query."""
        if not self._known.is_of(db):
            self._refs = [ref for folder in self._folders for ref in folder.segments]
            self._ends = {}
        self._marks = load_marks_of(db, self._refs)
        if not self._ends:
            self._ends = finished_ends(self._marks, self._refs, self._known.segments)
            self._others = self._unknown()

    def _unknown(self) -> list[SegmentRef]:
        """Return the segments that may have other bytes than those that were applied.

        A segment that was cut off, or restored from a backup, may be as long as what was applied of
        it, or shorter: its size does not show that its bytes are others. A file that is unchanged
        since the last comparison needs no other one.
        """
        unknown = []
        compared = self._known.segments.compared
        for ref in self._refs:
            mark = self._marks.get(place(ref))
            if mark is None or not mark.offset or mark.offset < ref.size:
                continue
            # a final segment never changes: only its size is compared
            is_known = ref.final or compared.get(place(ref)) == ref.version or mark.is_of(ref)
            if mark.offset > ref.size or not is_known:
                unknown.append(ref)
        return unknown

    def unapplied(self) -> list[tuple[SegmentRef, Mark | None]]:
        """Return the segments that may have bytes which `is_reached` found not applied.

        With each, how far it is applied; None if not at all.
        """
        found = []
        others = set(map(place, self._others))  # by place: references would compare their paths
        for ref in self._refs:
            mark = self._marks.get(place(ref))
            if mark is None or mark.offset != ref.size or place(ref) in others:
                found.append((ref, mark))
        return found

    def behind(self, db: apsw.Connection) -> Behind:
        """Return what the snapshot lacks that `is_reached` checked last.

        Raises:
            ReadError: a segment cannot be read.
        """
        applied = db.execute("SELECT value FROM _meta WHERE key = ?", (APPLIED,)).get
        missing = lag(self._marks, self._refs)
        why = "a projector runs and has not come to them"
        if not missing.bytes:
            why = "what the applied events change is not all in force yet"
        if self.hindrance is not None:
            why = str(self.hindrance)
        elif not self.is_tried:
            why = str(self.deadline.error(REFRESHING))
        return Behind(missing.bytes, missing.records, applied or None, why)

    def is_enough(self, db: apsw.Connection) -> bool:
        """Return whether to query the snapshot although it lacks some events.

        Raises:
            NotProjected: it lacks the position that it must include, and the time is over.
        """
        if not self.is_over():
            return False
        may_answer = self._may_answer(db, self)
        if self._own is None or self.has_own(db):
            return may_answer
        if self._own_patience.is_over() or self.deadline.is_over():
            raise self._own.error(self.hindrance) from self.hindrance
        return False

    def is_over(self) -> bool:
        """Return whether the wait for all events to be applied is over.

        It is not before one attempt to apply them: on a busy machine the first look can take longer
        than the patience, and an answer that is behind would blame a projector that does not run.
        """
        is_impatient = self.is_tried and self._patience.is_over()
        return self._given_up or is_impatient or self.deadline.is_over()

    def give_up(self, hindrance: Exception) -> None:
        """End the wait: the query is answered with what is applied."""
        self._given_up = True
        self.hindrance = hindrance

    def check_progress(self) -> None:
        """Raise why the projection cannot be asked, if another pass would change nothing.

        Raises:
            ProjectionError: all was applied for this question, or cannot be, and the projection is
                not known to be damaged.
        """
        if self.trouble is not None:
            is_applied = self.is_missed and not isinstance(self.trouble, ProjectionDamaged)
            if is_applied or self.hindrance is not None:
                raise self.trouble

    def replace(self) -> None:
        """Count a rebuild of a damaged projection for this query.

        Raises:
            ProjectionDamaged: that was done before, and did not help.
        """
        if self._replaced >= _REPLACED and self.trouble is not None:
            raise self.trouble
        self._replaced += 1

    def begin_again(self, error: ProjectionError) -> bool:
        """Count a new attempt after an error; return whether to make it."""
        self._begun += 1
        gone = isinstance(error, ProjectionDamaged) or was_removed(error)
        return self._begun <= _BEGUN and gone

    def pause(self) -> None:
        """Sleep for a moment, in which a projector can work."""
        with quiet.outside():
            time.sleep(self._pause)
        self._pause = min(self._pause * _GROWTH, _LONGEST)

    def look_again(self, folders: list[LaneFolder]) -> None:
        """Update the listed segments: some may be gone, or shorter than before.

        What was appended since is not waited for.
        """
        lanes = {ref.lane for ref in self._refs}
        refs = [ref for folder in folders if folder.name in lanes for ref in folder.segments]
        now = {place(ref): ref for ref in refs}
        before = [(ref, now.get(place(ref))) for ref in self._refs]
        # a segment may be gone because it was joined with one before it, which is larger now
        joined = {ref.lane: ref.number for ref, there in before if there is None}
        self._refs = [
            ref if there.size >= ref.size else replace(ref, size=there.size)
            for ref, there in before
            if there is not None and ref.number >= joined.get(ref.lane, 0)
        ]
        self._refs += [ref for ref in refs if ref.number < joined.get(ref.lane, 0)]
        self._ends = {}


def has_applied(db: apsw.Connection, position: Position) -> bool:
    """Return whether the record at `position` is applied in the snapshot that `db` holds."""
    query = "SELECT 1 FROM _lanes WHERE uuid = ? AND applied >= ?"
    at = position.lane, position.seq
    # only when all its effects are in force
    return db.execute(query, at).fetchone() is not None and not db.execute(UNFOLDED).fetchone()
