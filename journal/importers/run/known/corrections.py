"""What is appended of a message that the journal has, as an older importer understood it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.format.event_types import MESSAGE_APPENDED
from journal.importers.parsing.events import corrected, revision
from journal.importers.parsing.provisional import is_provisional

if TYPE_CHECKING:
    from journal.importers.run.known.keys import KnownKeys, Origin


def revision_of(event: dict[str, Any], keys: KnownKeys, origin: Origin | None) -> dict[str, Any]:
    """Return the revision of a message that its source has rewritten, or else the event itself.

    Args:
        event: an event whose source may have rewritten it.
        keys: what the journal has.
        origin: the importer that it is of; None if that is not known.
    """
    if event["type"] != MESSAGE_APPENDED:
        return event
    try:
        if not keys.has_other(event):
            return event
        if origin is not None and keys.is_of_older(event, origin):
            return event  # all of it is corrected, also a content that it has no more
    except TypeError:
        return event  # it is no JSON: the journal raises the reason
    return revision(0, event["session"], event["id"], event["data"]).event


def correction_of(
    event: dict[str, Any], keys: KnownKeys, origin: Origin | None
) -> dict[str, Any] | None:
    """Return an event, or what corrects an older importer's; None if the journal has that.

    Args:
        event: the event.
        keys: what the journal has.
        origin: as of `revision_of`.
    """
    if origin is None or event["type"] != MESSAGE_APPENDED:
        return event
    if not (keys.has_key(event) and keys.differs(event)):
        return event
    correction = corrected(event)
    if is_provisional(event["data"]) or keys.has(correction):
        return None
    return correction if keys.is_of_older(event, origin) else event
