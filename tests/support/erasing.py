"""Events to erase, named by ids, for tests that need no keys."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from journal.format.event import Event

BY = "request-1"
"""The id of the request that forgets all of them."""


@dataclass(frozen=True, slots=True)
class Named:
    """Forgets events by their ids, and one field of other events.

    Attributes:
        gone: ids of events that are forgotten.
        reduced: ids of events that lose the field `extra`.
    """

    gone: frozenset[str] = frozenset()
    reduced: frozenset[str] = frozenset()

    def apply(self, event: Event, _lane: str, _seq: int) -> tuple[Event | None, str]:
        """Return the rest of an event, and the request."""
        if event.id in self.gone:
            return None, BY
        if event.id in self.reduced and "extra" in event.data:
            left = {name: value for name, value in event.data.items() if name != "extra"}
            return replace(event, data=left), BY
        return event, ""


def named(*gone: str, reduced: tuple[str, ...] = ()) -> Named:
    """Return a decision that forgets the events with these ids."""
    return Named(frozenset(gone), frozenset(reduced))
