"""Messages as the caller of a store hands them over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from journal.errors import EventError
from journal.lossless import check_text
from journal.moment import moment
from projector.store.fields import present
from projector.store.flush.words import Words, words

if TYPE_CHECKING:
    from collections.abc import Container, Iterable


class Handed(NamedTuple):
    """A message that was handed over.

    Attributes:
        at: its index in the caller's list.
        id: the id that the caller gave it; None if it has none.
        data: its fields that say something, without the id.
        words: what it says.
    """

    at: int
    id: str | None
    data: dict[str, Any]
    words: Words


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something in the caller's list that is no message."""

    index: int
    reason: str

    def __str__(self) -> str:
        return f"messages[{self.index}]: {self.reason}"


def hand_over(messages: Iterable[object]) -> tuple[list[Handed], list[Mistake]]:
    """Return the messages of a list, and what in it is none."""
    handed: list[Handed] = []
    mistakes: list[Mistake] = []
    ids: set[str] = set()
    for index, message in enumerate(messages):
        try:
            data = fields(message)
            id = data.pop("id", None)
            if id is not None:
                _check_id(id, ids)
                ids.add(id)
        except EventError as error:
            mistakes.append(Mistake(index, str(error)))
        else:
            handed.append(Handed(index, id, data, words(data)))
    return handed, mistakes


def all_handed_over(messages: Iterable[object]) -> list[Handed]:
    """Return the messages of a list in which all must be messages.

    Raises:
        EventError: one is none; its index is named.
    """
    handed, mistakes = hand_over(messages)
    if mistakes:
        raise EventError(str(mistakes[0]))
    return handed


def fields(message: object) -> dict[str, Any]:
    """Return the fields of a message that say something, its time stamp in microseconds.

    Raises:
        EventError: it is no mapping, or its time stamp is none.
    """
    if message.__class__ is not dict and not isinstance(message, Mapping):
        raise EventError(f"must be a mapping with the fields of a message, not {message!r:.60}")
    data = dict(message)
    if None in data.values():
        data = present(data)
    if "timestamp" in data:
        data["timestamp"] = moment("timestamp", data["timestamp"])
    return data


def _check_id(id: object, taken: Container[str]) -> None:
    if not isinstance(id, str):
        raise EventError(f"id must be a string, not {id!r:.60}")
    if not id.isprintable():
        check_text("id", id)
    if id in taken:
        raise EventError(f"the id {id!r} stands twice in one conversation")
