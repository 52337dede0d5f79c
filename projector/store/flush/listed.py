"""The messages of the list that a caller flushes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from journal.errors import EventError, shown
from journal.format.fields.message import message_data
from journal.format.lossless import check_text
from projector.store.flush.words import Words, words

if TYPE_CHECKING:
    from collections.abc import Container, Iterable


class Listed(NamedTuple):
    """A message of the caller's list.

    Attributes:
        at: its index in the caller's list.
        id: the caller's id; None if it has none.
        data: its fields that are not None, without the id.
        words: what it is compared by.
    """

    at: int
    id: str | None
    data: dict[str, Any]
    words: Words


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something in the caller's list that is not a message."""

    index: int
    reason: str

    def __str__(self) -> str:
        return f"messages[{self.index}]: {self.reason}"


def read_list(messages: Iterable[object]) -> tuple[list[Listed], list[Mistake]]:
    """Return the messages of a list, and the mistakes in it."""
    listed: list[Listed] = []
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
            listed.append(Listed(index, id, data, words(data)))
    return listed, mistakes


def read_all(messages: Iterable[object]) -> list[Listed]:
    """Return the messages of a list without mistakes.

    Raises:
        EventError: something is not a message; its index is named.
    """
    listed, mistakes = read_list(messages)
    if mistakes:
        raise EventError(str(mistakes[0]))
    return listed


def fields(message: object) -> dict[str, Any]:
    """Return the fields of a message that are not None, with the timestamp in microseconds.

    Raises:
        EventError: it is not a mapping, or its timestamp is invalid.
    """
    if message.__class__ is not dict and not isinstance(message, Mapping):
        raise EventError(f"must be a mapping with the fields of a message, not {shown(message)}")
    return message_data(dict(message))


def _check_id(id: object, used: Container[str]) -> None:
    if not isinstance(id, str):
        raise EventError(f"id must be a string, not {shown(id)}")
    if not id.isprintable():
        check_text("id", id)
    if id in used:
        raise EventError(f"the id {id!r} occurs twice in one conversation")
