"""The private copy of one handle, with what the process that projects has not applied."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import apsw

from journal.errors import ReadError
from journal.process.fork import no_fork, register
from journal.segments.listing import list_segments
from projector.db.connections import create_in_memory
from projector.db.fork_safety import keep_inherited
from projector.db.schema import part_of
from projector.errors import ProjectionError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from journal.fs.directory import Directory
    from projector.reading.goal import Goal
    from projector.reading.in_use import InUse
    from projector.reading.private.tail import Tail

LIMIT = 16 * 1024 * 1024
"""Bytes of segments that are applied to a copy at a time; what is more is waited for."""
_MANY = 64
"""Sessions of which one copy has the events."""

_log = logging.getLogger("projector")


class Beside:
    """Keeps the private copy of one handle, as long as its snapshot is the last one."""

    def __init__(self, journal: Directory, in_use: InUse) -> None:
        self._journal = journal
        self._in_use = in_use
        self._db: apsw.Connection | None = None
        self._tail: Tail | None = None
        self._of: tuple[apsw.Connection | None, int] = None, 0
        self._only: frozenset[str] | None = None
        register(self)

    def after_fork_in_child(self) -> None:
        """Keep the parent's connection unused; the next call makes another copy."""
        keep_inherited()
        self._db = self._tail = None

    @contextmanager
    def copy(
        self, base: apsw.Connection | None, goal: Goal, sessions: Collection[str] | None
    ) -> Iterator[apsw.Connection | None]:
        """Yield a connection to a copy of a snapshot with what it lacks, for queries.

        It is None if there can be none now: too much is missing, only a projector can apply it, or
        the generation cannot be copied.

        Args:
            base: a connection that holds the snapshot; None if there is no generation yet.
            goal: what the answer must know.
            sessions: those whose events are needed; None means all.
        """
        with no_fork.turn:
            # most queries do not need them
            from projector.reading.private.copy import Unsettled  # noqa: PLC0415
            from projector.reading.private.tail import Unexpected  # noqa: PLC0415

        try:
            db = self._prepared(base, goal, sessions)
        except (Unexpected, Unsettled) as why:
            _log.debug("no private copy: %s", why)
            db = None
        except (apsw.Error, ProjectionError, ReadError, OSError) as error:
            # the caller waits for the process that projects, and meets the error if it has one
            _log.info("no private copy of the projection: %s", error)
            db = None
        if db is None:
            self.close()
            yield None
            return
        db.pragma("query_only", value=True)
        try:
            yield db
        finally:
            if self._db is db:
                db.pragma("query_only", value=False)

    def _prepared(
        self, base: apsw.Connection | None, goal: Goal, sessions: Collection[str] | None
    ) -> apsw.Connection | None:
        """Return the copy with what was missing; None if it cannot be made, or is too much."""
        at = (base, 0 if base is None else base.pragma("data_version"))
        is_same = at[0] is self._of[0] and at[1] == self._of[1]
        if self._tail is None or not (is_same and self._has(sessions)):
            only = self._wider(sessions) if is_same else sessions
            self.close()
            self._only = None if only is None else frozenset(only)
            self._tail = self._opened(base)
            self._of = at
        if self._tail is None:
            return None
        if base is None:  # what is known of a generation does not count
            refs = list_segments(self._journal.lanes)
        else:
            refs = [ref for ref, _ in goal.unapplied()]
        if self._tail.missing(refs) > LIMIT:
            return None
        self._tail.catch_up(refs)
        return self._db

    def _has(self, sessions: Collection[str] | None) -> bool:
        """Return whether the copy has the events of some sessions."""
        return self._only is None or (sessions is not None and self._only.issuperset(sessions))

    def _wider(self, sessions: Collection[str] | None) -> Collection[str] | None:
        """Return sessions, and with them those that were asked for before, unless they are many."""
        if sessions is None or self._only is None:
            return sessions
        both = self._only.union(sessions)
        return both if len(both) <= _MANY else sessions

    def _opened(self, base: apsw.Connection | None) -> Tail | None:
        """Make a copy, and return what applies events to it; None if none can be made."""
        with no_fork.turn:
            # most queries do not need them
            from projector.reading.private.copy import copy_of  # noqa: PLC0415
            from projector.reading.private.tail import Tail  # noqa: PLC0415
            from projector.search import functions  # noqa: PLC0415

        if base is None and self._journal.elsewhere is None:
            self._db = create_in_memory()
            functions.register(self._db)
        elif base is not None and self._in_use.sees_changes and part_of(base) is None:
            self._db = copy_of(base, self._in_use.path)
        else:
            return None
        return Tail(self._db, self._journal, self._only)

    def close(self) -> None:
        """Drop the copy; again does nothing."""
        tail, self._tail = self._tail, None
        db, self._db = self._db, None
        if tail is not None:
            tail.close()
        if db is not None:
            db.close()
