"""`projector show`: print a conversation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from journal.cli.kit.names import Name
from journal.cli.kit.output import is_terminal, print_json, print_pieces
from journal.cli.kit.terminal.pager import paged
from journal.fs.directory import open_directory
from journal.redact.setup import way_out
from projector.cli.kit.behind import behind_json, warn_if_behind
from projector.cli.kit.render import message_json, session_json
from projector.cli.kit.timeout import timeout_option
from projector.cli.show.markdown import markdown as as_markdown
from projector.cli.show.resume import resume
from projector.cli.show.text import print_text
from projector.projection import Projection
from projector.views.messages import conversation
from projector.views.redacted import redacted_conversation
from projector.views.session_filters import SessionFilters
from projector.views.sessions import sessions
from projector.views.usage import session_usage

if TYPE_CHECKING:
    from pathlib import Path

    import apsw

    from projector.views.messages import MessageView
    from projector.views.sessions import SessionView

_CHILDREN = 1_000_000
"""Most sessions below one."""


@click.command("show")
@click.argument("session", type=Name())
@click.option(
    "--role", type=Name(), metavar="R", help="Only messages of this role; user: by people."
)
@click.option("--include-meta", is_flag=True, help="With --role user: by machines, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--markdown", is_flag=True, help="Print Markdown, with secrets replaced by marks.")
@click.option("--no-redact", is_flag=True, help="With --markdown: print secrets as they are.")
@click.option("--full", is_flag=True, help="On a terminal: print long outputs and texts whole.")
@click.option("--no-pager", is_flag=True, help="On a terminal: do not start a pager.")
@timeout_option()
@click.pass_obj
def command(  # noqa: PLR0913, PLR0917 - one argument an option, as click passes them
    path: Path,
    session: str,
    role: str | None,
    include_meta: bool,  # noqa: FBT001 - click gives flags so
    as_json: bool,  # noqa: FBT001
    markdown: bool,  # noqa: FBT001
    no_redact: bool,  # noqa: FBT001
    full: bool,  # noqa: FBT001
    no_pager: bool,  # noqa: FBT001
    timeout: float,
) -> None:
    """Print a conversation.

    SESSION is its id, or the beginning or the end of its id if no other session has that, or the
    short id that `projector sessions` shows on a terminal.

    \b
        projector show 8e1f2a3b
        projector show 8e1f2a3b --full --no-pager
        projector show 8e1f2a3b --markdown > conversation.md
        projector show 8e1f2a3b --json | jq -r '.messages[].content'

    Above the messages is what is known of the session, with the command that continues it in its
    own program (`resume`), where that is known to have one.

    On a terminal the text goes through the pager that PAGER names (else `less -FRX`; `cat` for
    none). The middle of long outputs of tools and of long pasted texts is left out there; --full
    prints all. What is piped into a file or a program is always whole.

    A fork is shown whole. What it repeats of another session is marked, and that session named.

    Markdown is for others to read: secrets that the rules of today know are replaced by marks
    (docs/redaction.md). The text for this terminal and JSON show what is stored.

    JSON: {"session": {...}, "children", "resume", "cost", "unpriced", "messages": [{"id", "role",
    "time", "content", ...}], "behind": {"bytes", "events", "as_of", "why"}}

    `session` is as in `projector sessions --json`, `children` the ids of sessions of which it is
    the parent, `resume` the command that continues it, or null. `cost` and `unpriced` are as in
    `projector usage --json`, of this session without its sub-agents. Each other field that a
    message has is there under its own name. A message that the session repeats has `home`: the
    session in which it counts. `behind` is there if the projection lacks events of the journal.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    if as_json and markdown:
        raise click.UsageError("--json and --markdown exclude each other")
    if no_redact and not markdown:
        raise click.UsageError("--no-redact goes with --markdown: the others show what is stored")
    with Projection.open(path, timeout=timeout) as projection:
        (view, found, children), fresh = projection.read(partial(_find, session))
        used = None
        if view.usage and not markdown:
            used = projection.read(partial(session_usage, session=view.session))[0]
    warn_if_behind(fresh.behind)
    messages = [m for m in found if _is_of(m, role, include_meta=include_meta)]
    if as_json:
        how = resume(view)
        whole = {
            "session": session_json(view),
            "children": [child.session for child in children],
            "resume": None if how is None else how.command,
            "cost": None if used is None else used.cost,
            "unpriced": [] if used is None else list(used.unpriced),
            "messages": [message_json(m) for m in messages],
            **behind_json(fresh.behind),
        }
        print_json(whole)
    elif markdown:
        if not no_redact:
            redactor = way_out(open_directory(path, create=False).path)
            view, messages, _ = redacted_conversation(redactor, view, messages)
        print_pieces(as_markdown(view, messages))
    else:
        with paged(wanted=not no_pager):
            print_text(view, messages, children, used, folds=is_terminal() and not full)


def _find(
    name: str, db: apsw.Connection
) -> tuple[SessionView, list[MessageView], list[SessionView]]:
    """Return a session, its messages, and the sessions that it is the parent of, newest last."""
    view, messages = conversation(db, name)
    children = SessionFilters(parent=view.session)
    return view, messages, sessions(db, children, limit=_CHILDREN)[::-1]


def _is_of(message: MessageView, role: str | None, *, include_meta: bool) -> bool:
    """Return whether a message has a role; `user` is what people wrote, unless all is asked for."""
    if role is None:
        return True
    return message.role == role and (include_meta or role != "user" or not message.by_machine)
