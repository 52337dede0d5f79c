"""`search`: which sessions have what is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from journal.cli.kit.times import format_local_time
from journal.errors import counted
from projector.mcp.recall import redacted_data
from projector.mcp.refs import message_refs, projects
from projector.mcp.text.answer import LEAST, MOST, answer
from projector.mcp.text.budget import Block, share
from projector.mcp.text.fence import prepared, short
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
from projector.mcp.tools.found import about, found, nearest, why
from projector.mcp.tools.page import Page
from projector.search.hits import Look
from projector.search.request import Mode, parsed
from projector.text.document import document
from projector.text.snippet import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from journal.redact.redactor import Redactor
    from projector.mcp.recall import Recall
    from projector.mcp.text.budget import Shown
    from projector.projection import Projection
    from projector.search.hits import Hit
    from projector.search.results import Results
    from projector.text.query import Query

_WIDEST = 2_000
"""Characters of a snippet at most."""
_ENOUGH = 3
"""Messages that have all words; if there are fewer, what comes nearest is shown behind them."""

ARGUMENTS = (
    Argument(
        "query",
        "string",
        "Words, or a question. A message must have all words; if none has, the nearest are shown"
        ' apart, with what they lack. "quotes", AND, OR, NOT and prefix* mean what they say.',
        required=True,
    ),
    PROJECT,
    AGENT,
    MACHINE,
    Argument("session", "string", "Only this session: its handle, or the beginning of its id."),
    SINCE,
    Argument("until", "string", "Only messages before this time."),
    Argument("role", "string", "Only messages of this role: user, assistant, tool, ..."),
    Argument(
        "mode",
        "string",
        "How the query is read: words, literal (the text as it is typed, signs and all) or regex"
        " (a regular expression of RE2).",
        "words",
        choices=get_args(Mode),
    ),
    Argument("limit", "integer", "Most sessions to return.", 8, 1, 50),
    Argument("max_chars", "integer", "Most characters of the answer.", 6_000, LEAST, MOST),
    CURSOR,
    INCLUDE_ASKING,
    ASKING,
)


def search(recall: Recall, given: Mapping[str, Any]) -> str:
    """Return an answer of at most `max_chars` characters.

    Raises:
        ToolError: an argument cannot be used.
        ProjectorError, JournalError: the journal cannot be searched.
    """
    projection, limit = recall.projection, given["limit"]
    filters = _filters(projection, given)
    asker = recall.asking(given)
    # a session that is asked for by name is searched, also that which asks
    asking = asker.session if filters["session"] is None else None
    page = Page.of(recall, given, asking)
    out = _left_out(projection, given["query"], given["mode"], filters, asking)
    results = projection.search(
        given["query"],
        mode=given["mode"],
        limit=page.reach(limit),
        group="session",
        # what the session that asks has is not enough, and one match may be by chance
        enough=out + _ENOUGH,
        look=Look(width=min(max(given["max_chars"] // limit, 160), _WIDEST), context=1),
        **filters,
    )
    first = {hit.session: hit for hit in reversed([*results.hits, *results.near])}
    rest = page.rest(hit.session for hit in (*results.hits, *results.near))
    hits = [first[session] for session in rest[:limit]]
    redactor = recall.redactor()
    query = parsed(given["query"], given["mode"])
    blocks = list(_blocks(projection, redactor, query, hits, results))
    if not hits:
        blocks = unknown_blocks(projection, redactor, filters)
    near = {(hit.session, hit.id) for hit in results.near}
    is_near = [(hit.session, hit.id) in near for hit in hits]
    changed = page.changed if any(is_near) else ""
    notes = list(about(results, out, asking, (asker.unknown, page.lost, changed), projection))
    near_count = nearest(results, asking)

    def tail(shown: Shown) -> Iterator[str]:
        if not hits:
            return
        yield from _cut(shown, len(hits), given["max_chars"])
        if 0 < shown.blocks < len(rest):
            yield page.next(rest[: shown.blocks])

    def head(shown: Shown | None) -> list[str]:
        kinds = is_near if shown is None else is_near[: shown.blocks]
        return [found(results, page.before, kinds, out, near_count), *notes]

    return answer(given["max_chars"], head, blocks, share, lambda shown: list(tail(shown)))


def _filters(projection: Projection, given: Mapping[str, Any]) -> dict[str, Any]:
    session = given["session"]
    return {
        "session": None if session is None else projection.session(session).session,
        "project": given["project"],
        "source": given["agent"],
        "machine": given["machine"],
        "role": given["role"],
        "since": moment("since", given["since"]),
        "until": moment("until", given["until"]),
    }


def _left_out(
    projection: Projection,
    query: str,
    mode: Mode,
    filters: Mapping[str, Any],
    asking: str | None,
) -> int:
    """Return how many messages of the session that asks match."""
    if asking is None:
        return 0
    only = {**filters, "session": asking}
    of_asking = projection.search(query, mode=mode, limit=1, group="session", enough=0, **only)
    return of_asking.total


def _blocks(
    projection: Projection, redactor: Redactor, query: Query, hits: list[Hit], results: Results
) -> Iterator[Block]:
    pairs = [(hit.session, hit.id) for hit in hits]
    refs, folders = projection.read(
        lambda db: (message_refs(db, pairs), projects(db, (session for session, _ in pairs)))
    )[0]
    near = {(hit.session, hit.id) for hit in results.near}
    for hit in hits:
        columns = [
            refs[hit.session, hit.id],
            format_local_time(hit.time, "minutes"),
            short(hit.role, 20),
            short(hit.source, 24),
            short(redactor.text(folders.get(hit.session, "")), 40),
        ]
        title = short(redactor.text(hit.title or ""), 100)
        line = "  ".join(filter(None, columns)) + (f"  {title!r}" if title else "")
        yield Block(
            f"* {line}\n  {why(hit, nearest=(hit.session, hit.id) in near)}",
            _text(redactor, query, hit),
            note="; shortened",
        )


def _text(redactor: Redactor, query: Query, hit: Hit) -> str:
    """Return the part of a message that was found, redacted.

    The message is redacted as a whole: half a secret is not recognised.
    """
    view = next(one for one in hit.context if one.id == hit.id)
    data, has_secrets = redacted_data(redactor, view)
    if not has_secrets:
        return prepared(hit.snippet)
    text = document(data)
    return prepared(excerpt(text, query.find(text), width=len(hit.snippet)))


def _cut(shown: Shown, count: int, limit: int) -> Iterator[str]:
    parts = []
    if shown.cut:
        parts.append(f"{counted(shown.cut, 'text')} shortened")
    if shown.blocks < count:
        parts.append(f"{counted(count - shown.blocks, 'session')} not shown")
    if parts:
        yield f"Cut to max_chars={limit}: {', '.join(parts)}. open(ref) shows a message whole."
