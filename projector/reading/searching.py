"""The part of the reading handle that searches messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.process.fork import no_fork
from projector.arguments import check_filters
from projector.reading.usage import UsageReader
from projector.search.request import request, requested_filters
from projector.search.results import Results
from projector.text.tokens import unsearched

if TYPE_CHECKING:
    from datetime import datetime

    from journal.segments.machines import Machines
    from projector.arguments import Has
    from projector.search.find import FoundHits, SearchRequest
    from projector.search.hits import Look
    from projector.search.ordering.order import Group, Sort
    from projector.search.request import Mode
    from projector.views.freshness import Freshness
    from projector.views.machines import Origin


def origin(reader: Searcher, machine: str | None) -> Origin | None:
    """Return the filter of a machine; None means no filter.

    Raises:
        QueryError: its name is no text.
        ReadError: the names of the machines cannot be read.
    """
    check_filters({"machine": machine})
    if machine is None:
        return None
    with no_fork.turn:
        from projector.views.machines import Origin  # noqa: PLC0415 - few searches need it

    return Origin(machine, reader.machines())


class Searcher:
    """Searches with the function of the handle that finds."""

    def _find(self, asked: SearchRequest) -> tuple[FoundHits, Freshness]:
        """Return what a search finds, and whether all of the journal was searched."""
        raise NotImplementedError

    def machines(self) -> Machines:
        """Return this machine and the others whose lanes are in the journal, with their names.

        Raises:
            ReadError: they cannot be read.
        """
        raise NotImplementedError

    def search(  # noqa: PLR0913 - filters are keywords, and a search has many
        self,
        query: str,
        *,
        limit: int = 20,
        offset: int = 0,
        context: int = 0,
        role: str | None = None,
        include_meta: bool = False,
        source: str | None = None,
        session: str | None = None,
        since: datetime | str | int | None = None,
        until: datetime | str | int | None = None,
        include_replays: bool = False,
        project: str | None = None,
        model: str | None = None,
        branch: str | None = None,
        tool: str | None = None,
        file: str | None = None,
        has: Has | None = None,
        machine: str | None = None,
        subagents: bool = True,
        sort: Sort = "relevance",
        look: Look | None = None,
        group: Group | None = None,
        enough: int = 1,
        mode: Mode = "words",
    ) -> Results:
        """Search messages.

        Args:
            query: words, "phrases", prefix*, AND, OR, NOT and parentheses.
            limit: most hits to return.
            offset: hits to skip.
            context: messages to return before and after each hit.
            role: only messages of this role; `user` is what people wrote.
            include_meta: with the role `user`, also what machines wrote in their place.
            source: only messages from there, or of a session from there.
            session: only messages of the session with this id.
            since: only messages of this moment (as `timestamp` of a message) or later.
            until: only messages before this moment.
            include_replays: find a message also in forks that repeat it, and not only at home.
            project: only messages of sessions with this working directory, or one of this name.
            model: only messages of this model; one that has none of its own has its session's.
            branch: only messages on this git branch, likewise.
            tool: only calls of this tool, and their results.
            file: only calls that name this file: its path, or the last parts of it (`src/a.py`).
            has: `errors`: only messages that report an error, such as results of tools.
            machine: only messages that this machine wrote: its name or its uuid.
            subagents: whether messages of sub-agents are searched, too.
            sort: `relevance`, `newest` or `oldest`.
            look: how hits are shown.
            group: `session`: each session once, with its best message; `more` of the hit counts
                the other messages of the session that were found.
            enough: if fewer messages than this have all words, `near` of the results holds what
                comes nearest; 0 never looks for it, and neither does a query with quotes,
                operators, parentheses or stars.
            mode: how the query is read: `words`, as said above; `literal`, as it is typed, signs
                and all; `regex`, as a regular expression of RE2, which needs the extra
                `agent-journal[regex]`. If a search has read texts for two seconds, it ends, and
                `cut` of the results says so.

        Raises:
            QueryError: the query has nothing to search for, it or a filter is no text, it is no
                regular expression, or the package for these is missing.
            EventError, ValueError: a moment is none; another argument is out of range.
            ProjectionError: the projection cannot be read or built.
        """
        filters = requested_filters(
            role=role,
            include_meta=include_meta,
            source=source,
            session=session,
            since=since,
            until=until,
            include_replays=include_replays,
            project=project,
            model=model,
            branch=branch,
            tool=tool,
            file=file,
            has=has,
            machine=origin(self, machine),
            subagents=subagents,
        )
        asked = request(
            query,
            filters,
            limit=limit,
            offset=offset,
            context=context,
            sort=sort,
            look=look,
            group=group,
            enough=enough,
            mode=mode,
        )
        found, fresh = self._find(asked)
        return Results(
            query,
            tuple(found.hits),
            found.matches.exact,
            fresh.behind,
            tuple(found.near),
            found.missing,
            found.matches.total,
            found.matches.cut,
            {word.text: word.forms for word in found.words if word.instead},
            found.sessions,
            found.near_total,
            unsearched(query) if mode == "words" else (),
        )


class SearchReader(Searcher, UsageReader):
    """Searches with the query function of the handle."""

    def _find(self, asked: SearchRequest) -> tuple[FoundHits, Freshness]:
        return self.read(asked.find)
