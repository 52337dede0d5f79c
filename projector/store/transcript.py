"""The items of a `transcript.replaced`: a new transcript in one record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.process import clock

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from projector.store.flush.listed import Listed
    from projector.store.flush.transcript import Recorded


def new_transcript(
    record: str, listed: Sequence[Listed], known: Mapping[str, Recorded]
) -> list[dict[str, Any]]:
    """Return the items of `transcript.replaced`, with timestamps that keep them in order.

    A parent that would put its message behind a later one does not count: of a known message it is
    revised, of a new one it is kept in `extra`.

    Args:
        record: id of the event; the ids of messages without one are made from it.
        listed: the messages.
        known: all messages of the session that were ever appended, by id.
    """
    ids = [f"{record}-{m.at}" if m.id is None else m.id for m in listed]
    times = _times([_time_of(m, known.get(id)) for id, m in zip(ids, listed, strict=True)])
    coming = set(ids)
    items, last = [], 0
    for id, message, time in zip(ids, listed, times, strict=True):
        last = max(clock.wall() if time is None else time, last + 1)
        there = known.get(id)
        data = dict(message.data)
        parent = data.get("parent", None if there is None else there.parent)
        is_freed = parent is not None and _is_late(parent, last, coming, known)
        if is_freed:
            # its own id as parent means no parent
            data |= {"parent": id}
            if there is None:
                data["extra"] = data.get("extra", {}) | {"parent": parent}
        if there is None or last != there.place[0] or is_freed:
            data["timestamp"] = last
        coming.discard(id)
        items.append({("id" if there is None else "message"): id, **data})
    return items


def _times(own: Sequence[int | None]) -> list[int | None]:
    """Return a time for each message: one without its own comes just before the next with one.

    None where no later message has a time.
    """
    times: list[int | None] = []
    following: int | None = None
    for time in reversed(own):
        if time is not None:
            following = time
        elif following is not None:
            following -= 1
        times.append(following)
    return times[::-1]


def _is_late(parent: str, time: int, coming: Container[str], known: Mapping[str, Recorded]) -> bool:
    """Return whether a parent is read later than its message may be.

    Args:
        parent: id of the parent.
        time: timestamp of the message.
        coming: ids of the message and of those behind it.
        known: all messages that were ever appended, by id.
    """
    above: str | None = parent
    passed: set[str] = set()
    while above is not None and above not in passed:
        if above in coming:
            return True
        passed.add(above)
        there = known.get(above)
        above = None if there is None else there.parent
    first = known.get(parent)
    return first is not None and first.place[0] > time


def _time_of(message: Listed, there: Recorded | None) -> int | None:
    """Return a message's own timestamp, else the place of a known one; None if it has neither."""
    given: int | None = message.data.get("timestamp")
    return there.place[0] if given is None and there is not None else given
