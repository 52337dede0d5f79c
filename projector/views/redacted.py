"""A conversation on its way out of the journal, without secrets."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from journal.format.event_types import MESSAGE_APPENDED, SESSION_CREATED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from journal.redact.redactor import Redactor
    from projector.views.messages import MessageView
    from projector.views.sessions import SessionView


def redacted_conversation(
    redactor: Redactor, session: SessionView, messages: Iterable[MessageView]
) -> tuple[SessionView, list[MessageView], int]:
    """Return a session and its messages without secrets, and how many values were redacted."""
    counts: Counter[str] = Counter()

    def redacted(message: MessageView) -> MessageView:
        data, found = redactor.redact(
            MESSAGE_APPENDED, {"content": message.content, **message.fields}
        )
        counts.update({} if found is None else found.counts)
        return replace(message, content=data.pop("content"), fields=data)

    fields, found = redactor.redact(SESSION_CREATED, asdict(session))
    counts.update({} if found is None else found.counts)
    return replace(session, **fields), [redacted(message) for message in messages], counts.total()
