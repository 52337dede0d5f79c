"""What a flush remembers of the caller's list, and what it plans to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projector.store.flush.listed import Listed
    from projector.store.flush.transcript import Recorded
    from projector.store.flush.words import Words


@dataclass(slots=True)
class Remembered:
    """The caller's list, as far as it is known from earlier flushes and reads.

    Attributes:
        words: the words of each message when it was flushed last, by id; None if it was only read.
        last: id and fields of the last message of the last flush.
    """

    words: dict[str, Words | None] = field(default_factory=dict)
    last: tuple[str, Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A message in the new order of the transcript.

    Attributes:
        id: its id.
        known: the message as it is recorded; None for a new one.
        listed: the message of the list; None if the list does not have it.
        stays: whether its place relative to the others is the same as before.
    """

    id: str
    known: Recorded | None
    listed: Listed | None
    stays: bool


@dataclass(slots=True)
class Plan:
    """What a flush does.

    Attributes:
        ids: the id of each message of the list.
        added, restored, kept: ids of messages that are new, are restored, and are unchanged.
        fields: new fields of messages that are revised, by id.
        hidden: ids of messages that are archived.
        before: the message in front of the first slot; None if that is the first of all.
        slots: the new order, from the first message on that does not stay.
    """

    ids: list[str]
    added: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    before: Recorded | None = None
    slots: list[Slot] = field(default_factory=list)
