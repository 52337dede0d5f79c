"""`projector sessions` and `projector show`: conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from journal.cli.clean import clean, one_line
from journal.cli.output import Styled, say, say_block, say_json, say_json_lines
from journal.cli.when import show_local, show_moment
from projector.cli.behind import behind_json, say_behind
from projector.cli.render import (
    code_span,
    described,
    fenced,
    message_json,
    no_markdown,
    readable,
    session_json,
)
from projector.cli.timeout import timeout_option
from projector.projection import Projection

if TYPE_CHECKING:
    from pathlib import Path

    from projector.views.messages import MessageView
    from projector.views.sessions import SessionView


@click.command("sessions")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=20, show_default=True)
@click.option("--offset", type=click.IntRange(0, 1_000_000), default=0, help="Sessions to skip.")
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_obj
def sessions_command(path: Path, limit: int, offset: int, timeout: float, as_json: bool) -> None:  # noqa: FBT001 - click gives flags so
    """List conversations, that with the latest message first.

    \b
        projector sessions --limit 5
        projector sessions --json | jq -r 'select(.source == "cli") | .session'

    JSON: session, title, source, model, cwd, parent, started, ended, end_reason, last (times in
    µs since 1970), messages, preview (what the user said first), extra; and `behind` ("bytes",
    "events", "as_of", "why") when the projection does not know all that the journal holds.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    with Projection.open(path, timeout=timeout) as projection:
        found = projection.sessions(limit=limit, offset=offset)
    if as_json:
        say_behind(found.behind)
        say_json_lines(session_json(view) | behind_json(found.behind) for view in found)
        return
    say_behind(found.behind)
    if not found:
        say("no sessions; append something with `journal append`", err=True)
    for view in found:
        last = "" if view.last is None else show_local(view.last, "minutes")
        about = Styled(view.title, bold=True) if view.title else view.preview
        counted = f"{view.messages:>6,}  {one_line(view.source or ''):<12}"
        known = f"{one_line(view.session):<38} {last:<16} {counted}"
        say(*((known, " ", about) if view.title or view.preview else (known.rstrip(),)))


@click.command("show")
@click.argument("session")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@timeout_option
@click.pass_obj
def show_command(path: Path, session: str, as_json: bool, markdown: bool, timeout: float) -> None:  # noqa: FBT001 - click gives flags so
    """Print a conversation. The beginning of SESSION is enough if no other begins so.

    \b
        projector show 8e1f
        projector show 8e1f --markdown > conversation.md
        projector show 8e1f --json | jq -r '.messages[] | select(.role == "user") | .content'

    JSON: {"session": {...}, "messages": [{"id", "role", "time", "content", ...}]}; every field
    that a message has is there under its own name. `behind` ("bytes", "events", "as_of", "why") is
    there when the projection does not know all that the journal holds.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    if as_json and markdown:
        raise click.UsageError("--json and --markdown exclude each other")
    with Projection.open(path, timeout=timeout) as projection:
        view, messages = projection.conversation(session)
    say_behind(messages.behind)
    if as_json:
        whole = {
            "session": session_json(view),
            "messages": [message_json(m) for m in messages],
            **behind_json(messages.behind),
        }
        say_json(whole)
    elif markdown:
        _markdown(view, messages)
    else:
        _text(view, messages)


def _markdown(session: SessionView, messages: list[MessageView]) -> None:
    say(f"# {no_markdown(session.title or session.session)}")
    say()
    say(f"- session: {code_span(one_line(session.session))}")
    for name, value in described(session_json(session)):
        say(f"- {name}: {code_span(one_line(value))}")
    for message in messages:
        say()
        say(f"## {no_markdown(_speaker(message))}, {show_moment(message.time)}")
        if text := clean(readable(message)):
            say()
            say_block(fenced(text))


def _text(session: SessionView, messages: list[MessageView]) -> None:
    say(Styled(session.title or session.session, bold=True))
    known = [f"session: {session.session}", f"{session.messages:,} messages"]
    known += [f"{name}: {value}" for name, value in described(session_json(session))]
    say(Styled("  ".join(known), dim=True))
    for message in messages:
        say()
        say(
            Styled(_speaker(message), fg=_COLOURS.get(message.role or ""), bold=True),
            Styled(f"  {show_local(message.time, 'seconds')}", dim=True),
        )
        # only the line that this program writes of a message begins at the left
        say_block(readable(message), prefix="  ")


_COLOURS = {"user": "green", "assistant": "blue", "tool": "yellow", "system": "magenta"}


def _speaker(message: MessageView) -> str:
    tool = message.fields.get("tool_name")
    role = message.role or "unknown"
    named = f"{role} ({tool})" if isinstance(tool, str) else role
    return f"{named}, revised" if message.revised else named
