"""`projector sessions` and `projector show`: conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import orjson

from journal.cli.when import show_moment
from projector.cli.render import described, harmless, message_json, readable, session_json
from projector.cli.timeout import timeout_option
from projector.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from projector.message_view import MessageView
    from projector.session_view import SessionView


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
    µs since 1970), messages, preview (what the user said first), extra.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    with Projection.open(path, timeout=timeout) as projection:
        found = projection.sessions(limit=limit, offset=offset)
    if as_json:
        for view in found:
            click.echo(orjson.dumps(session_json(view)))
        return
    if not found:
        click.echo("no sessions; append something with `journal append`", err=True)
    for view in found:
        last = "" if view.last is None else show_moment(view.last)[:16]
        about = click.style(harmless(view.title), bold=True) if view.title else view.preview
        counted = f"{view.messages:>6,}  {view.source or '':<12}"
        click.echo(f"{harmless(view.session):<38} {last:<16} {counted} {about}".rstrip())


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
    that a message has is there under its own name.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    if as_json and markdown:
        raise click.UsageError("--json and --markdown exclude each other")
    with Projection.open(path, timeout=timeout) as projection:
        view = projection.session(session)
        messages = projection.messages(view.session)
    if as_json:
        whole = {"session": session_json(view), "messages": [message_json(m) for m in messages]}
        click.echo(orjson.dumps(whole))
        return
    lines = _markdown(view, messages) if markdown else _text(view, messages)
    for line in lines:
        click.echo(line)


def _markdown(session: SessionView, messages: list[MessageView]) -> Iterator[str]:
    yield f"# {harmless(session.title or session.session)}\n"
    yield f"- session: `{session.session}`"
    for name, value in described(session_json(session)):
        yield f"- {name}: `{value}`"
    for message in messages:
        yield f"\n## {_speaker(message)}, {show_moment(message.time)}\n"
        yield readable(message)


def _text(session: SessionView, messages: list[MessageView]) -> Iterator[str]:
    yield click.style(harmless(session.title or session.session), bold=True)
    known = [f"session: {session.session}", f"{session.messages:,} messages"]
    known += [f"{name}: {value}" for name, value in described(session_json(session))]
    yield click.style("  ".join(known), dim=True)
    for message in messages:
        yield ""
        speaker = click.style(_speaker(message), fg=_COLOURS.get(message.role or ""), bold=True)
        yield f"{speaker}  {click.style(show_moment(message.time)[:19], dim=True)}"
        yield readable(message)


_COLOURS = {"user": "green", "assistant": "blue", "tool": "yellow", "system": "magenta"}


def _speaker(message: MessageView) -> str:
    tool = message.fields.get("tool_name")
    role = message.role or "unknown"
    named = f"{role} ({tool})" if isinstance(tool, str) else role
    return f"{named}, revised" if message.revised else named
