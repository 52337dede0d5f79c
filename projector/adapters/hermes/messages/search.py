"""Full-text search of messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from projector.adapters.hermes.base import Base
from projector.adapters.hermes.messages.rewind import text_of
from projector.adapters.hermes.rows.message_ids import number
from projector.adapters.hermes.rows.sessions import SESSIONS
from projector.adapters.hermes.rows.values import seconds
from projector.errors import QueryError
from projector.search import Filters, Look, Sort, parse, plain_search

if TYPE_CHECKING:
    import apsw

    from projector.adapters.hermes.rows.sessions import Row
    from projector.search import Hit, Query

_LOOK = Look(width=240, open=">>>", close="<<<", context=1)
_ELLIPSIS, _DOTS = "\u2026", "..."
_LONGEST_QUERY = 2_048
_LONGEST_SHOWN = 200
"""Most characters of a message of the context."""
_ALL = 1_000_000

_DANGLING = re.compile(r"^\s*(?:AND|OR|NOT)\b|\s(?:AND|OR|NOT)\s*$", re.IGNORECASE)
"""An operator without an operand: Hermes ignores it, in upper or lower case."""


class Search(Base):
    """Full-text search."""

    def search_messages(
        self,
        query: str,
        source_filter: list[str] | None = None,
        exclude_sources: list[str] | None = None,
        role_filter: list[str] | None = None,
        limit: int = 20,
        offset: int = 0,
        sort: str | None = None,
        include_inactive: bool = False,  # noqa: ARG002 - removed messages are in no index
    ) -> list[Row]:
        """Return messages that match, the best first; rewound messages are never found.

        Args:
            query: words, "phrases", prefix*, AND, OR, NOT and parentheses. A query without a
                searchable word finds nothing.
            source_filter: only messages of these sources.
            exclude_sources: no messages of these sources.
            role_filter: only messages of these roles.
            limit: the most to return; all if it is negative.
            offset: the number to skip.
            sort: `newest` or `oldest`; anything else means the best first.
            include_inactive: has no effect.

        Returns:
            Of each `id`, `session_id`, `role`, `snippet` (matches between `>>>` and `<<<`),
            `timestamp`, `tool_name`, `source`, `model` and `session_started` of its session, and
            `context`: `role` and `content` of the message before it, itself, and the one behind.
        """
        parsed = _parsed(query)
        if parsed is None or limit == 0 or (source_filter is not None and not source_filter):
            return []
        filters = Filters(
            roles=tuple(role_filter) if role_filter else None,
            sources=None if source_filter is None else tuple(source_filter),
            but_sources=tuple(exclude_sources) if exclude_sources else None,
        )
        ways: dict[str, Sort] = {way: way for way in get_args(Sort)}
        way = ways.get(sort.strip().lower() if isinstance(sort, str) else "", "relevance")

        def ask(db: apsw.Connection) -> list[Row]:
            hits, _ = plain_search(
                db,
                parsed,
                filters,
                limit=limit if limit > 0 else _ALL,
                offset=max(offset, 0),
                sort=way,
                look=_LOOK,
            )
            return [_row(db, hit) for hit in hits]

        return self._read(ask)


def _parsed(query: str) -> Query | None:
    if not query or not query.strip():
        return None
    text = query[:_LONGEST_QUERY]
    try:
        parsed = parse(_DANGLING.sub(" ", text))
    except QueryError:
        return None
    # Hermes asks its index of words, but looks for Chinese, Japanese and Korean in the texts
    return parsed if parsed.has_cjk else parsed.by_words()


def _row(db: apsw.Connection, hit: Hit) -> Row:
    query = f"SELECT s.source, s.model, s.started_at FROM {SESSIONS} s WHERE s.id = ?"
    [(source, model, started)] = db.execute(query, (hit.session,))
    query = "SELECT tool_name FROM all_messages WHERE session = ? AND id = ?"
    tool_name = db.execute(query, (hit.session, hit.id)).get
    return {
        "id": number(hit.session, hit.id),
        "session_id": hit.session,
        "role": hit.role,
        "snippet": _dotted(hit.snippet),
        "timestamp": seconds(hit.time),
        "tool_name": tool_name,
        "source": source,
        "model": model,
        "session_started": started,
        "context": [_shown(message.role, message.content) for message in hit.context],
    }


def _shown(role: str | None, content: object) -> dict[str, Any]:
    return {"role": role, "content": text_of(content)[:_LONGEST_SHOWN]}


def _dotted(snippet: str) -> str:
    if snippet.startswith(_ELLIPSIS):
        snippet = _DOTS + snippet.removeprefix(_ELLIPSIS)
    if snippet.endswith(_ELLIPSIS):
        snippet = snippet.removesuffix(_ELLIPSIS) + _DOTS
    return snippet
