"""Flushes with redaction: a list is compared as it is shown, and written as it was given.

The transcript holds marks in the place of secrets. A list that has the secrets must be found equal
to it, or each flush would revise the messages again. What is new is written with its secrets: the
journal replaces them and notes the hash of the original.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.format.event_types import MESSAGE_APPENDED, MESSAGE_REVISED
from projector.store.flush.words import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from journal.erasure.requests import Forgotten
    from journal.redact.redactor import Redactor
    from projector.store.flush.listed import Listed

Given = dict[int, dict[str, Any]]
"""By the index of a message in the caller's list: its fields that are redacted, as given."""


def redact_list(
    listed: Iterable[Listed], redactor: Redactor | None, forgotten: Forgotten
) -> tuple[list[Listed], Given]:
    """Return the messages of a list as they are shown, and what is redacted in them.

    Args:
        listed: the messages.
        redactor: what redacts them before they are written; None if nothing does.
        forgotten: what the requests redact that are in force.
    """
    if redactor is None and not forgotten:
        return list(listed), {}
    found: list[Listed] = []
    given: Given = {}
    for message in listed:
        data = forgotten.redact_message(message.data)
        if redactor is not None:
            data, _ = redactor.redact(MESSAGE_APPENDED, data)
        if data is message.data:
            found.append(message)
        else:
            changed = {name for name in data if data[name] is not message.data[name]}
            given[message.at] = {name: message.data[name] for name in changed}
            found.append(message._replace(data=data, words=words(data)))
    return found, given


def restore_given(
    events: Sequence[dict[str, Any]], ids: Sequence[str], listed: Sequence[Listed], given: Given
) -> None:
    """Put what was given back into the events that write it.

    Args:
        events: the events of a flush.
        ids: the id of each message of the list.
        listed: the messages as they are stored.
        given: what was redacted in them.
    """
    if not given:
        return
    by_id = {id: message for id, message in zip(ids, listed, strict=True) if message.at in given}
    for event in events:
        data = event["data"]
        if event["type"] == MESSAGE_APPENDED:
            message = by_id.get(event["id"])
        elif event["type"] == MESSAGE_REVISED:
            message = by_id.get(data["message"])
        else:
            continue
        if message is not None:
            for name, value in given[message.at].items():
                # the place of a message can be added to `extra`, which is then written redacted
                if data.get(name) == message.data[name]:
                    data[name] = value
