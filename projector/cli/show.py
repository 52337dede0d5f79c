"""`projector show`: print a conversation."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from journal.cli.kit.clean import clean, one_line
from journal.cli.kit.counts import counted
from journal.cli.kit.output import Styled, print_block, print_json, print_line
from journal.cli.kit.times import format_local_time, format_time
from journal.format.event_types import MESSAGE_APPENDED, SESSION_CREATED
from journal.fs.directory import open_directory
from journal.redact.setup import way_out
from projector.cli.kit.behind import behind_json, warn_if_behind
from projector.cli.kit.render import (
    code_span,
    described,
    fenced,
    message_json,
    no_markdown,
    readable,
    session_json,
)
from projector.cli.kit.timeout import timeout_option
from projector.projection import Projection

if TYPE_CHECKING:
    from pathlib import Path

    from projector.views.messages import MessageView
    from projector.views.sessions import SessionView


@click.command("show")
@click.argument("session")
@click.option("--role", metavar="R", help="Only messages of this role; user: by people.")
@click.option("--include-meta", is_flag=True, help="With --role user: by machines, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--markdown", is_flag=True, help="Print Markdown, with secrets replaced by marks.")
@click.option("--no-redact", is_flag=True, help="With --markdown: print secrets as they are.")
@timeout_option()
@click.pass_obj
def command(
    path: Path,
    session: str,
    role: str | None,
    include_meta: bool,  # noqa: FBT001 - click gives flags so
    as_json: bool,  # noqa: FBT001
    markdown: bool,  # noqa: FBT001
    no_redact: bool,  # noqa: FBT001
    timeout: float,
) -> None:
    """Print a conversation. SESSION is its id, or the beginning of its id if no other has that.

    \b
        projector show 8e1f
        projector show 8e1f --markdown > conversation.md
        projector show 8e1f --json | jq -r '.messages[] | select(.role == "user") | .content'

    A fork is shown whole. What it repeats of another session is marked, and that session named.

    Markdown is for others to read: secrets that the rules of today know are replaced by marks
    (docs/redaction.md). The text for this terminal and JSON show what is stored.

    JSON: {"session": {...}, "messages": [{"id", "role", "time", "content", ...}],
    "behind": {"bytes", "events", "as_of", "why"}}

    `session` is as in `projector sessions --json`. Each other field that a message has is there
    under its own name. A message that the session repeats has `home`: the session in which it
    counts. `behind` is there if the projection lacks events of the journal.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    if as_json and markdown:
        raise click.UsageError("--json and --markdown exclude each other")
    if no_redact and not markdown:
        raise click.UsageError("--no-redact goes with --markdown: the others show what is stored")
    with Projection.open(path, timeout=timeout) as projection:
        view, found = projection.conversation(session)
    warn_if_behind(found.behind)
    messages = [m for m in found if _is_of(m, role, include_meta=include_meta)]
    if as_json:
        whole = {
            "session": session_json(view),
            "messages": [message_json(m) for m in messages],
            **behind_json(found.behind),
        }
        print_json(whole)
    elif markdown:
        _markdown(*((view, messages) if no_redact else _redacted(path, view, messages)))
    else:
        _text(view, messages)


def _is_of(message: MessageView, role: str | None, *, include_meta: bool) -> bool:
    """Return whether a message has a role; `user` is what people wrote, unless all is asked for."""
    if role is None:
        return True
    return message.role == role and (include_meta or role != "user" or not message.by_machine)


def _redacted(
    path: Path, session: SessionView, messages: list[MessageView]
) -> tuple[SessionView, list[MessageView]]:
    """Return a conversation without secrets."""
    redactor = way_out(open_directory(path, create=False).path)

    def redacted(message: MessageView) -> MessageView:
        data, _ = redactor.redact(MESSAGE_APPENDED, {"content": message.content, **message.fields})
        return replace(message, content=data.pop("content"), fields=data)

    fields, _ = redactor.redact(SESSION_CREATED, asdict(session))
    return replace(session, **fields), [redacted(message) for message in messages]


def _markdown(session: SessionView, messages: list[MessageView]) -> None:
    print_line(f"# {no_markdown(session.title or session.session)}")
    print_line()
    print_line(f"- session: {code_span(one_line(session.session))}")
    for name, value in described(session_json(session)):
        print_line(f"- {name}: {code_span(one_line(value))}")
    for message in messages:
        print_line()
        heading = f"## {no_markdown(_speaker(message))}, {format_time(message.time)}"
        print_line(f"{heading}{no_markdown(_replays(message))}")
        if text := clean(readable(message)):
            print_line()
            print_block(fenced(text))


def _text(session: SessionView, messages: list[MessageView]) -> None:
    print_line(Styled(session.title or session.session, bold=True))
    known = [f"session: {session.session}", counted(session.messages, "message")]
    if session.replays:
        known.append(counted(session.replays, "replay"))
    known += [f"{name}: {value}" for name, value in described(session_json(session))]
    print_line(Styled("  ".join(known), dim=True))
    for message in messages:
        print_line()
        print_line(
            Styled(_speaker(message), fg=_COLOURS.get(message.role or ""), bold=True),
            Styled(f"  {format_local_time(message.time, 'seconds')}{_replays(message)}", dim=True),
        )
        # indented: no line of a message can pass for the line above, which begins at the left
        print_block(readable(message), prefix="  ")


_COLOURS = {"user": "green", "assistant": "blue", "tool": "yellow", "system": "magenta"}


def _replays(message: MessageView) -> str:
    return "" if message.home is None else f"  replays {one_line(message.home)}"


def _speaker(message: MessageView) -> str:
    tool = message.fields.get("tool_name")
    role = message.role or "unknown"
    meta = message.fields.get("meta")
    about = next((name for name in (tool, meta) if isinstance(name, str)), None)
    named = role if about is None else f"{role} ({about})"
    return f"{named}, revised" if message.revised else named
