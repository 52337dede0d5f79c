"""Who wrote a message, and where it is at home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.cli.kit.clean import one_line

if TYPE_CHECKING:
    from projector.views.messages import MessageView


def speaker(message: MessageView) -> str:
    """Return a message's role, with the tool or the machine that it is of."""
    tool = message.fields.get("tool_name")
    role = message.role or "unknown"
    meta = message.fields.get("meta")
    about = next((name for name in (tool, meta) if isinstance(name, str)), None)
    named = role if about is None else f"{role} ({about})"
    return f"{named}, revised" if message.revised else named


def replays(message: MessageView) -> str:
    """Return a note on a message that repeats one of another session; empty for others."""
    return "" if message.home is None else f"  replays {one_line(message.home)}"
