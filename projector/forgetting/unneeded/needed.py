"""The deleted messages that decide where other messages are in their transcript. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


@dataclass(frozen=True, slots=True)
class Placed:
    """A message, and what its place in the transcript follows from.

    Attributes:
        id: its id.
        parent: id of its parent; None if it has none.
        depth: its depth below the last parent that has the same order time; 0 if no parent decides.
        lane_row: rowid of its lane.
        order: the order of its event.
        is_dated: whether it has a date of its own, with revisions in force.
        ahead: the date that it was appended with, if that is later than its order; else 0.
    """

    id: str
    parent: str | None
    depth: int
    lane_row: int
    order: int
    is_dated: bool
    ahead: int


def needed(messages: Sequence[Placed], doomed: Collection[str]) -> set[str]:
    """Return those of some messages without which others would have another place.

    A message has the place of a parent that has a later one, and a message without a date is not
    before an earlier message of its lane that is dated ahead (`projector.fold.order`).

    Args:
        messages: all messages of a session, sorted by lane and sequence number.
        doomed: ids of messages that are to go.
    """
    by_id = {message.id: message for message in messages}
    on_cycles = _on_cycles(by_id)
    found: set[str] = set()
    todo = [message for message in messages if message.id not in doomed]
    while todo:
        while todo:
            message = todo.pop()
            parent = by_id.get(message.parent) if message.parent is not None else None
            if parent is None or parent.id not in doomed or parent.id in found:
                continue
            # of a cycle the message that is first is so only while the cycle is whole
            if message.depth or message.id in on_cycles:
                found.add(parent.id)
                todo.append(parent)
        todo = [by_id[id] for id in _dated_ahead(messages, doomed, found)]
        found.update(message.id for message in todo)
    return found


def _dated_ahead(
    messages: Sequence[Placed], doomed: Collection[str], found: Collection[str]
) -> set[str]:
    """Return messages that go, are dated ahead, and are before one without a date that stays."""
    needed: set[str] = set()
    before: list[Placed] = []
    lane_row = None
    for message in messages:
        if message.lane_row != lane_row:
            before, lane_row = [], message.lane_row
        goes = message.id in doomed and message.id not in found
        if goes and message.ahead:
            before.append(message)
        elif not goes and not message.is_dated and before:
            needed.update(each.id for each in before if each.ahead > message.order)
            before = [each for each in before if each.id not in needed]
    return needed


def _on_cycles(by_id: dict[str, Placed]) -> set[str]:
    """Return the ids of messages that are their own ancestors."""
    found: set[str] = set()
    seen: set[str] = set()
    for start in by_id:
        chain: dict[str, int] = {}
        at: str | None = start
        while at is not None and at in by_id and at not in seen:
            seen.add(at)
            chain[at] = len(chain)
            at = by_id[at].parent
        if at is not None and at in chain:
            found.update([*chain][chain[at] :])
    return found
