"""What readers do not need of a projection: what is deleted, and values that were replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.forgetting.unneeded.deleted import Deleted, find_deleted
from projector.forgetting.unneeded.replaced import Replaced, find_replaced

if TYPE_CHECKING:
    import apsw

    from projector.forgetting.unneeded.wanted import Key, Unneeded


@dataclass(frozen=True, slots=True)
class FoundUnneeded:
    """What was found.

    Attributes:
        deleted: what is deleted.
        replaced: values that were replaced, without those of messages and sessions in `deleted`.
    """

    deleted: Deleted
    replaced: Replaced

    @property
    def events(self) -> tuple[Key, ...]:
        """Keys of all events that are to be named."""
        return *self.deleted.events, *(value.key for value in self.replaced.values)

    @property
    def contents(self) -> int:
        """How many events these are in all, contents in conflict included."""
        return self.deleted.contents + self.replaced.contents


def find_unneeded(db: apsw.Connection, wanted: Unneeded) -> FoundUnneeded:
    """Find what is to be forgotten because readers do not need it.

    Args:
        db: the projection.
        wanted: which of it.
    """
    deleted = Deleted() if wanted.deleted is None else find_deleted(db, wanted.deleted)
    if wanted.replaced is None:
        return FoundUnneeded(deleted, Replaced())
    return FoundUnneeded(deleted, find_replaced(db, wanted.replaced, set(deleted.events)))
