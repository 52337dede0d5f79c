"""A conversation as text, for a person to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.cli.kit.output import Styled, print_block, print_line
from journal.cli.kit.times import format_local_time
from projector.cli.kit.render import pieces
from projector.cli.show.fold import fold
from projector.cli.show.header import print_header
from projector.cli.show.speaker import replays, speaker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projector.views.messages import MessageView
    from projector.views.sessions import SessionView
    from projector.views.usage import UsageRow

_COLOURS = {"user": "green", "assistant": "blue", "tool": "yellow", "system": "magenta"}
_INDENT = "  "


def print_text(
    session: SessionView,
    messages: Sequence[MessageView],
    children: Sequence[SessionView],
    used: UsageRow | None,
    *,
    folds: bool,
) -> None:
    """Write a conversation.

    Args:
        session: the session.
        messages: what to show of its messages.
        children: the sessions that it is the parent of.
        used: what its calls used and cost; None if it has none.
        folds: whether to leave out the middle of long outputs and texts. What an assistant says is
            always whole.

    Raises:
        OSError: standard output cannot be written.
    """
    print_header(session, children, used)
    for message in messages:
        print_line()
        print_line(
            Styled(speaker(message), fg=_COLOURS.get(message.role or ""), bold=True),
            Styled(f"  {format_local_time(message.time, 'seconds')}{replays(message)}", dim=True),
        )
        _print_message(message, folds=folds)


def _print_message(message: MessageView, *, folds: bool) -> None:
    # indented: no line of a message can pass for the line above, which begins at the left
    for number, piece in enumerate(pieces(message)):
        if number:
            print_line()
        said = message.role == "assistant" and piece.kind == "text"
        folded = fold(piece.text.rstrip()) if folds and not said else None
        if folded is None:
            print_block(piece.text, prefix=_INDENT)
        else:
            print_block(folded.head, prefix=_INDENT)
            print_line(_INDENT, Styled(f"… {folded.hidden} hidden; --full shows all", dim=True))
            print_block(folded.tail, prefix=_INDENT)
