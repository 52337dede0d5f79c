"""Where a message is read in its conversation, and how a writer keeps its own order.

Messages are read by (time, depth), then in the order of events. The time is the message's own, but
never before its parent's. So a writer whose messages must be read in the order in which it writes
them names the message before as the parent wherever the time runs back.
"""

from __future__ import annotations

from dataclasses import dataclass


def place_after(time: int, parent: tuple[int, int] | None) -> tuple[int, int]:
    """Return the (time, depth) at which a message is read.

    Args:
        time: the message's own, microseconds since 1970.
        parent: the (time, depth) of its parent; None if it has none.
    """
    if parent is None or parent[0] < time:
        return time, 0
    return parent[0], parent[1] + 1


@dataclass(frozen=True, slots=True)
class LastMessage:
    """The message that a writer wrote last into a conversation.

    Attributes:
        id: its id.
        time: when it is read, microseconds since 1970: its own time, or a later one of a parent.
        depth: its distance from the parent that has this time; 0 if the time is its own.
        is_open: whether it may be read later: it has no time of its own, or follows one without.
    """

    id: str
    time: int
    depth: int = 0
    is_open: bool = False


def write_after(last: LastMessage | None, id: str, time: int) -> tuple[str | None, LastMessage]:
    """Return the parent that the next message must name, if any, and that message as the last one.

    Args:
        last: the message before; None if there is none.
        id: id of the next message.
        time: its own time, microseconds since 1970.
    """
    if last is None or (time, 0) >= (last.time, last.depth):
        return None, LastMessage(id, time)
    return last.id, LastMessage(id, *place_after(time, (last.time, last.depth)))
