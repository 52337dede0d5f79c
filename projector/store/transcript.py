"""A new transcript in one record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal import clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from projector.store.flush.handed import Handed
    from projector.store.flush.standing import Known


def new_transcript(
    record: str, handed: Sequence[Handed], known: Mapping[str, Known]
) -> list[dict[str, Any]]:
    """Return the items of `transcript.replaced`, with time stamps that keep them in order.

    Args:
        record: id of the event; messages without an id have theirs from it.
        handed: the messages.
        known: every message that ever was, by id.
    """
    ids = [f"{record}-{m.at}" if m.id is None else m.id for m in handed]
    places = [_said(message, known.get(id)) for id, message in zip(ids, handed, strict=True)]
    listed, last = [], 0
    for index, (id, message) in enumerate(zip(ids, handed, strict=True)):
        place = places[index]
        if place is None:
            later = next(((n, p) for n, p in enumerate(places[index:]) if p is not None), None)
            place = clock.wall() if later is None else later[1] - later[0]
        last = max(place, last + 1)
        there = known.get(id)
        data = dict(message.data)
        if there is None or last != there.place[0]:
            data["timestamp"] = last
        listed.append({("id" if there is None else "message"): id, **data})
    return listed


def _said(message: Handed, there: Known | None) -> int | None:
    """Return a message's place as it is given, or as it stands; None if it has none."""
    given: int | None = message.data.get("timestamp")
    return there.place[0] if given is None and there is not None else given
