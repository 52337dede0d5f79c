"""Find the events that cannot be applied, and set them aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from projector.apply.careful.trial import Trial, applying
from projector.apply.portion import unbounded
from projector.errors import NotApplied, ProjectionDamaged

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    from journal.format.event import Event
    from projector.apply.applier import Applier, Prepared


class _Waiting(NamedTuple):
    """A prepared event, and the function that sets it aside."""

    prepared: list[Prepared]
    set_aside: Callable[[str], None]


class Isolation:
    """Tries each event alone; halves a group that fails together until one event is left."""

    def __init__(self, db: apsw.Connection, applier: Applier, *, sets_aside: bool) -> None:
        """Make it for the open transaction of `db`, and those behind it.

        Args:
            db: the generation.
            applier: applies events to it.
            sets_aside: whether an event that fails only beside others is set aside; else the
                database counts as damaged, as it may well be.
        """
        self._db = db
        self._applier = applier
        self._sets_aside = sets_aside
        self._trial = Trial()
        self._waiting: list[_Waiting] = []

    def check(self, seq: int, event: Event) -> None:
        """Raise an error if an event cannot be applied alone.

        Raises:
            DamagedRecord: it cannot; the message gives the reason.
        """
        self._trial.check(seq, event)

    def add(self, prepared: list[Prepared], set_aside: Callable[[str], None]) -> None:
        """Add an event to those that `flush` applies.

        Args:
            prepared: what it was prepared to.
            set_aside: called with the reason if it cannot be applied.
        """
        self._waiting.append(_Waiting(prepared, set_aside))

    def flush(self) -> None:
        """Apply the events that were added, but set those aside that cannot be.

        Raises:
            ProjectionDamaged: one cannot be applied to this database, and is not set aside.
        """
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._isolate(waiting)

    def reset(self) -> None:
        """Forget the events that were added, as after a rollback."""
        self._waiting.clear()

    def _isolate(self, waiting: list[_Waiting]) -> None:
        # what is counted in memory alone is lost with the savepoint
        self._applier.state.save_counters()
        self._db.execute("SAVEPOINT some")
        try:
            with applying():
                self._applier.apply([event for one in waiting for event in one.prepared])
                self._applier.finish(unbounded())
        except NotApplied as error:
            self._db.execute("ROLLBACK TO some")
            self._db.execute("RELEASE some")
            self._applier.reset()
            if len(waiting) > 1:
                middle = len(waiting) // 2
                self._isolate(waiting[:middle])
                self._isolate(waiting[middle:])
            elif self._sets_aside:
                waiting[0].set_aside(str(error))
            else:
                raise ProjectionDamaged(
                    f"{self._db.filename} does not take an event that an empty one takes"
                    f" ({error}); run `projector rebuild`"
                ) from error
        else:
            self._db.execute("RELEASE some")
