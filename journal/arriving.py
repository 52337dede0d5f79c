"""What is left of events that are not appended yet: the parts that no request forgets.

A writer does not look for requests: they are in other lanes. What it appends to a session that is
forgotten is hidden, and its bytes stay until the next erasure. So programs that append what comes
from elsewhere leave it out before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from journal.format.bounds import is_moment
from journal.format.event import Event
from journal.format.event_types import MESSAGE_APPENDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from journal.erasure.requests import Forgotten
    from journal.redact.redactor import Redactor


def without_forgotten(
    event: dict[str, Any], forgotten: Forgotten, redactor: Callable[[], Redactor]
) -> dict[str, Any] | None:
    """Return an event without its forgotten parts, and with marks in texts that are redacted.

    A message is forgotten if its request names it in clear, or as it is after redaction: of what
    was redacted when it was written, a request may know no more.

    Args:
        event: with the keys of `Journal.append`'s arguments, among them an id.
        forgotten: what the requests of the journal forget.
        redactor: returns what redacts by the rules of today, also where the event is written in
            clear.

    Returns:
        The event itself if nothing in it is named; None if it is forgotten.
    """
    whole = Event(event["session"], event["id"], event["type"], 0, 0, event["data"])
    try:
        left, _ = forgotten.apply(whole, "", 0)
    except TypeError:
        return event  # it is no JSON, so it has no hashes: the journal raises the reason
    if left is None or _is_forgotten_redacted(left, forgotten, redactor):
        return None
    return event if left is whole else {**event, "data": left.data, "redacted": left.redacted}


def _is_forgotten_redacted(
    event: Event, forgotten: Forgotten, redactor: Callable[[], Redactor]
) -> bool:
    is_named = event.type == MESSAGE_APPENDED and is_moment(event.data.get("timestamp"))
    if not (is_named and forgotten.names_messages):
        return False
    data, redacted = redactor().redact(event.type, event.data)
    if redacted is None:
        return False
    written = replace(event, data=data, redacted=event.redacted or redacted)
    return forgotten.apply(written, "", 0)[0] is None
