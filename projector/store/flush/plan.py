"""What a flush knows of the caller's list, and what it does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projector.store.flush.handed import Handed
    from projector.store.flush.standing import Known
    from projector.store.flush.words import Words


@dataclass(slots=True)
class Held:
    """What a handle knows of the caller's own list, from what it flushed or read before.

    Attributes:
        words: of each message that was in it what it said there; None for one that was read.
        last: id and fields of the message that was its last.
    """

    words: dict[str, Words | None] = field(default_factory=dict)
    last: tuple[str, Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A message of the transcript to be.

    Attributes:
        id: its id.
        known: the message as it stands; None for a new one.
        handed: the message as it was handed over; None for one that the list has not.
        stays: whether it stands where it stood.
    """

    id: str
    known: Known | None
    handed: Handed | None
    stays: bool


@dataclass(slots=True)
class Plan:
    """What a flush does.

    Attributes:
        ids: the id of each message of the list.
        added, restored, kept: those that are new, that come back, that are there as they are.
        fields: of those that are to say something else, the fields that say it.
        hidden: those that are to be archived.
        before: the message in front of the first slot; None if that is the first of all.
        slots: the transcript to be, from the first message that does not stay as it is.
    """

    ids: list[str]
    added: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    before: Known | None = None
    slots: list[Slot] = field(default_factory=list)
