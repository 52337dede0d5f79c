"""`sessions`: which sessions there are, that with the latest message first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.cli.kit.times import format_local_time
from journal.errors import counted
from projector.mcp.refs import projects, session_refs
from projector.mcp.text.answer import LEAST, MOST, answer
from projector.mcp.text.budget import Block, share
from projector.mcp.text.fence import short
from projector.mcp.tools.argument import Argument
from projector.mcp.tools.common import (
    AGENT,
    ASKING,
    CURSOR,
    INCLUDE_ASKING,
    MACHINE,
    PROJECT,
    SINCE,
    moment,
    unknown_blocks,
)
from projector.mcp.tools.page import Page
from projector.reading.listing import session_filters
from projector.reading.searching import origin
from projector.views.session_filters import count_sessions
from projector.views.sessions import session, session_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import apsw

    from journal.redact.redactor import Redactor
    from projector.mcp.recall import Recall
    from projector.mcp.text.budget import Shown
    from projector.views.sessions import SessionView

ARGUMENTS = (
    PROJECT,
    AGENT,
    MACHINE,
    SINCE,
    Argument("limit", "integer", "Most sessions to return.", 20, 1, 100),
    Argument("max_chars", "integer", "Most characters of the answer.", 6_000, LEAST, MOST),
    CURSOR,
    INCLUDE_ASKING,
    ASKING,
)


def list_sessions(recall: Recall, given: Mapping[str, Any]) -> str:
    """Return an answer of at most `max_chars` characters.

    Raises:
        ToolError: an argument cannot be used.
        ProjectorError, JournalError: the journal cannot be read.
    """
    since = moment("since", given["since"])
    filters = session_filters(
        project=given["project"], source=given["agent"], since=since, until=None, has=None,
        subagents=True, machine=origin(recall.projection, given["machine"]),
    )  # fmt: skip
    asker = recall.asking(given)
    asking = asker.session
    limit = given["limit"]
    page = Page.of(recall, given, asking)

    def read(db: apsw.Connection) -> tuple[list[str], list[SessionView], int, bool]:
        rest = page.rest(session_ids(db, filters, limit=page.reach(limit)))
        is_in = asking is not None and count_sessions(db, filters, only=asking) > 0
        views = [session(db, id) for id in rest[:limit]]
        return rest, views, count_sessions(db, filters), is_in

    (rest, views, total, is_in), fresh = recall.projection.read(read)
    names, folders = recall.projection.read(
        lambda db: (session_refs(db, rest[:limit]), projects(db, rest[:limit]))
    )[0]
    redactor = recall.redactor()
    blocks = [Block(_line(redactor, view, names, folders)) for view in views]

    if not views:
        asked = {name: given[name] for name in ("project", "machine")}
        asked["source"] = given["agent"]
        blocks = unknown_blocks(recall.projection, redactor, asked)

    def tail(shown: Shown) -> Iterator[str]:
        if not views:
            return
        if shown.blocks < len(views):
            left = counted(len(views) - shown.blocks, "session")
            yield f"Cut to max_chars={given['max_chars']}: {left} not shown."
        if 0 < shown.blocks < len(rest):
            yield page.next(rest[: shown.blocks])

    def head(shown: Shown | None) -> list[str]:
        count = total - is_in
        end = page.before + (len(views) if shown is None else shown.blocks)
        lines = [f"Sessions {page.before + 1:,}-{end:,} of {count:,}, latest first."]
        if not views:
            lines = ["No sessions." if not count else f"No more sessions: there are {count:,}."]
        left_out = "Left out: the session that asks; include_asking=true lists it, too."
        notes = "; ".join(filter(None, (asker.unknown, page.lost)))
        behind = "" if fresh.behind is None else str(fresh.behind)
        return [*lines, *filter(None, (left_out if is_in else "", notes, behind))]

    return answer(given["max_chars"], head, blocks, share, lambda shown: list(tail(shown)))


def _line(
    redactor: Redactor, view: SessionView, names: Mapping[str, str], folders: Mapping[str, str]
) -> str:
    last = view.last if view.last is not None else view.started
    about = [
        names[view.session],
        "" if last is None else format_local_time(last, "minutes"),
        counted(view.messages, "message"),
        short(view.source, 24),
        short(redactor.text(folders.get(view.session, "")), 40),
        short(redactor.text(view.title or view.preview), 100),
    ]
    return "* " + "  ".join(filter(None, about))
