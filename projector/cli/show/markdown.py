"""A conversation as Markdown, for others to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.cli.kit.clean import clean, one_line
from journal.cli.kit.times import format_time
from projector.cli.kit.render import (
    code_span,
    described,
    fenced,
    no_markdown,
    readable,
    session_json,
)
from projector.cli.show.speaker import replays, speaker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from projector.views.messages import MessageView
    from projector.views.sessions import SessionView


def markdown(session: SessionView, messages: Iterable[MessageView]) -> Iterator[str]:
    """Yield a conversation, piece by piece, with a heading for each message."""
    yield f"# {one_line(no_markdown(session.title or session.session))}\n\n"
    yield f"- session: {code_span(one_line(session.session))}\n"
    for name, value in described(session_json(session)):
        yield f"- {name}: {code_span(one_line(value))}\n"
    for message in messages:
        heading = f"{no_markdown(speaker(message))}, {format_time(message.time)}"
        yield "\n" + one_line(f"## {heading}{no_markdown(replays(message))}") + "\n"
        if text := clean(readable(message)):
            yield f"\n{fenced(text)}\n"
