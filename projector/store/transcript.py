"""The items of a `transcript.replaced`: a new transcript in one record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.process import clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from projector.store.flush.listed import Listed
    from projector.store.flush.transcript import Recorded


def new_transcript(
    record: str, listed: Sequence[Listed], known: Mapping[str, Recorded]
) -> list[dict[str, Any]]:
    """Return the items of `transcript.replaced`, with timestamps that keep them in order.

    Args:
        record: id of the event; the ids of messages without one are made from it.
        listed: the messages.
        known: all messages of the session that were ever appended, by id.
    """
    ids = [f"{record}-{m.at}" if m.id is None else m.id for m in listed]
    places = [_time_of(message, known.get(id)) for id, message in zip(ids, listed, strict=True)]
    items, last = [], 0
    for index, (id, message) in enumerate(zip(ids, listed, strict=True)):
        place = places[index]
        if place is None:
            later = next(((n, p) for n, p in enumerate(places[index:]) if p is not None), None)
            place = clock.wall() if later is None else later[1] - later[0]
        last = max(place, last + 1)
        there = known.get(id)
        data = dict(message.data)
        if there is None or last != there.place[0]:
            data["timestamp"] = last
        items.append({("id" if there is None else "message"): id, **data})
    return items


def _time_of(message: Listed, there: Recorded | None) -> int | None:
    """Return a message's own timestamp, else the place of a known one; None if it has neither."""
    given: int | None = message.data.get("timestamp")
    return there.place[0] if given is None and there is not None else given
