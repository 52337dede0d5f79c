"""The conversation that is written back: as it is in force, placed as its source placed it.

An importer revises the parent or the time of a message where the times of its source do not give
the order of the file. An import of the restored file does so again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from projector.views import messages as message_view

if TYPE_CHECKING:
    import apsw

    from projector.views.messages import MessageView
    from projector.views.sessions import SessionView

_PLACED = ("parent", "timestamp")
_TOOL = "tool_name"
_ESTIMATED = "estimated_time"


def conversation(db: apsw.Connection, name: str) -> tuple[SessionView, list[MessageView]]:
    """Return the session with this id, or with the only one that begins so, and its transcript.

    Raises:
        NotFound: there is none, or there are several.
    """
    view, messages = message_view.conversation(db, name)
    query = "SELECT id, tool_name, original FROM messages WHERE session = ?"
    rows = {id: (tool, original) for id, tool, original in db.execute(query, (view.session,))}
    return view, [_as_imported(message, *rows[message.id]) for message in messages]


def _as_imported(message: MessageView, tool: str | None, original: str | None) -> MessageView:
    """Return a message without what readers infer, and placed as it was first.

    Args:
        message: the message.
        tool: the tool's name that it has itself; readers infer one from the call.
        original: its fields before they were revised, as JSON; None if they were not.
    """
    left_out = (_TOOL,) if original is None else (_TOOL, *_PLACED)
    fields = {name: value for name, value in message.fields.items() if name not in left_out}
    if tool is not None:
        fields[_TOOL] = tool
    if original is None:
        return replace(message, fields=fields)
    first: dict[str, Any] = orjson.loads(original)
    fields |= {name: first[name] for name in _PLACED if first.get(name) is not None}
    extra = fields.get("extra")
    if isinstance(extra, dict) and _ESTIMATED in extra:
        fields["extra"] = {name: value for name, value in extra.items() if name != _ESTIMATED}
    return replace(message, fields=fields)
