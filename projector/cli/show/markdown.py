"""A conversation as Markdown, for others to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.cli.kit.clean import clean, one_line
from journal.cli.kit.output import print_block, print_line
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
    from collections.abc import Sequence

    from projector.views.messages import MessageView
    from projector.views.sessions import SessionView


def print_markdown(session: SessionView, messages: Sequence[MessageView]) -> None:
    """Write a conversation with a heading for each message.

    Raises:
        OSError: standard output cannot be written.
    """
    print_line(f"# {no_markdown(session.title or session.session)}")
    print_line()
    print_line(f"- session: {code_span(one_line(session.session))}")
    for name, value in described(session_json(session)):
        print_line(f"- {name}: {code_span(one_line(value))}")
    for message in messages:
        print_line()
        heading = f"## {no_markdown(speaker(message))}, {format_time(message.time)}"
        print_line(f"{heading}{no_markdown(replays(message))}")
        if text := clean(readable(message)):
            print_line()
            print_block(fenced(text))
