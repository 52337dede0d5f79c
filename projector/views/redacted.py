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

_CUT = "\u2026"
"""The end of a preview that is not all of its message."""
_LONG = 12
"""Characters of a word that can be a part of a secret."""


def redacted_conversation(
    redactor: Redactor, session: SessionView, messages: Iterable[MessageView]
) -> tuple[SessionView, list[MessageView], int]:
    """Return a session and its messages without secrets, and how many values were redacted."""
    counts: Counter[str] = Counter()
    view = redacted_session(redactor, session, counts)
    return view, [redacted_message(redactor, each, counts) for each in messages], counts.total()


def redacted_session(redactor: Redactor, view: SessionView, counts: Counter[str]) -> SessionView:
    """Return a session without secrets, and count those that it had by their kinds.

    Those of its preview are counted where its message is redacted.
    """
    view = replace(view, preview=redactor.text(_whole_words(view.preview)))
    fields, found = redactor.redact(SESSION_CREATED, asdict(view))
    if found is None:
        return view
    counts.update(found.counts)
    return replace(view, **fields)


def _whole_words(preview: str) -> str:
    """Return a preview without a long last word that may be cut: no rule knows half a secret."""
    head, _, last = preview.rpartition(" ")
    return f"{head} {_CUT}".lstrip() if last.endswith(_CUT) and len(last) > _LONG else preview


def redacted_message(redactor: Redactor, view: MessageView, counts: Counter[str]) -> MessageView:
    """Return a message without secrets, and count those that it had by their kinds."""
    data, found = redactor.redact(MESSAGE_APPENDED, {"content": view.content, **view.fields})
    if found is None:
        return view
    counts.update(found.counts)
    return replace(view, content=data.pop("content"), fields=data)
