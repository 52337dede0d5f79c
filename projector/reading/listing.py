"""The part of the reading handle that lists sessions and their messages, and counts facets."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from journal.process.fork import no_fork
from projector.arguments import (
    bound,
    check_choice,
    check_count,
    check_filters,
    check_has,
    check_names,
)
from projector.reading.searching import SearchReader, origin
from projector.search.request import requested_filters
from projector.views import messages as message_view
from projector.views import sessions as session_view
from projector.views.freshness import Listing

if TYPE_CHECKING:
    from datetime import datetime

    from projector.arguments import Has
    from projector.search.facets import FacetBy, FacetRow
    from projector.views.machines import Origin
    from projector.views.messages import MessageView
    from projector.views.session_filters import SessionFilters
    from projector.views.sessions import SessionSort, SessionView


class ListingReader(SearchReader):
    """Lists with the query function of the handle."""

    def session(self, name: str) -> SessionView:
        """Return the session with this id, or the only one whose id begins so, or ends so.

        Raises:
            QueryError: `name` is no text.
            NotFound: there is none, or there are several; its `behind` is how old that is.
        """
        check_names({"name": name})
        return self.read(lambda db: session_view.session(db, name))[0]

    def messages(self, session: str) -> Listing[MessageView]:
        """Return all messages of the session with exactly this id, in order.

        Its `behind` is how old the list is.

        Raises:
            QueryError: `session` is no text.
            NotFound: there is no such session; its `behind` is how old that is.
        """
        check_names({"session": session})
        found, fresh = self.read(lambda db: message_view.messages(db, session))
        return Listing(found, fresh.behind)

    def conversation(self, name: str) -> tuple[SessionView, Listing[MessageView]]:
        """Return a session as `session`, and its messages as `messages`, of one snapshot.

        Raises:
            QueryError: `name` is no text.
            NotFound: there is none, or there are several; its `behind` is how old that is.
        """
        check_names({"name": name})
        (view, found), fresh = self.read(lambda db: message_view.conversation(db, name))
        return view, Listing(found, fresh.behind)

    def sessions(  # noqa: PLR0913 - filters are keywords, and a list has many
        self,
        *,
        limit: int = 20,
        offset: int = 0,
        sort: SessionSort = "last",
        source: str | None = None,
        parent: str | None = None,
        project: str | None = None,
        model: str | None = None,
        branch: str | None = None,
        tool: str | None = None,
        file: str | None = None,
        has: Has | None = None,
        machine: str | None = None,
        gone: bool = False,
        subagents: bool = True,
        since: datetime | str | int | None = None,
        until: datetime | str | int | None = None,
    ) -> Listing[SessionView]:
        """Return sessions, that with the latest message first; its `behind` is how old it is.

        Each filter is met by the session or by some message of it.

        Args:
            limit: most sessions to return.
            offset: sessions to skip.
            sort: what the first one has most of: `last` (the latest message), `messages`, `tokens`
                (input and output) or `cost`. A cost is what the source says, else by the table of
                prices; a session of which none is known comes last.
            source: only sessions from there, or with a message from there.
            parent: only sessions that continue or belong to the session with this id.
            project: only sessions with this working directory, or with one of this name.
            model: only sessions of this model, or with a message of it.
            branch: only sessions on this git branch, or with a message on it.
            tool: only sessions in which this tool was called.
            file: only sessions in which a call names this file: its path, or the last parts of it.
            has: `errors`: only sessions in which a message reports an error.
            machine: only sessions with a message that this machine wrote: its name or its uuid.
            gone: only sessions that no source has any more.
            subagents: whether sub-agents are listed, too.
            since: only sessions with a message of this moment or later.
            until: only sessions with a message before this moment.

        Raises:
            QueryError: a filter is no text.
            EventError, ValueError: a moment is none; another argument is out of range or unknown.
            ProjectionError: the projection cannot be read or built.
        """
        check_count("limit", limit)
        check_count("offset", offset)
        check_choice("sort", sort, get_args(session_view.SessionSort))
        filters = session_filters(
            source=source,
            parent=parent,
            project=project,
            model=model,
            branch=branch,
            tool=tool,
            file=file,
            has=has,
            machine=origin(self, machine),
            gone=gone,
            subagents=subagents,
            since=since,
            until=until,
        )
        found, fresh = self.read(
            lambda db: session_view.sessions(db, filters, sort=sort, limit=limit, offset=offset)
        )
        return Listing(found, fresh.behind)

    def facets(  # noqa: PLR0913 - filters are keywords, as those of a search
        self,
        *,
        by: FacetBy,
        source: str | None = None,
        project: str | None = None,
        model: str | None = None,
        branch: str | None = None,
        tool: str | None = None,
        file: str | None = None,
        has: Has | None = None,
        machine: str | None = None,
        subagents: bool = True,
        since: datetime | str | int | None = None,
        until: datetime | str | int | None = None,
    ) -> Listing[FacetRow]:
        """Count the messages, and their sessions, that have each value of a facet.

        That of most messages comes first. The filters are those of a search.

        Args:
            by: `project`, `source`, `model`, `branch`, `tool`, `file` or `machine`.
            source: as of `search`, and so are the others.
            project: only messages of sessions with this working directory, or one of this name.
            model: only messages of this model.
            branch: only messages on this git branch.
            tool: only calls of this tool, and their results.
            file: only calls that name this file.
            has: `errors`: only messages that report an error.
            machine: only messages that this machine wrote.
            subagents: whether messages of sub-agents are counted, too.
            since: only messages of this moment or later.
            until: only messages before this moment.

        Raises:
            QueryError: a filter is no text.
            EventError, ValueError: a moment is none; `by` or `has` is unknown.
            ProjectionError: the projection cannot be read or built.
        """
        with no_fork.turn:
            from projector.search import facets  # noqa: PLC0415 - few programs ask for them

        check_choice("by", by, get_args(facets.FacetBy))
        filters = requested_filters(
            source=source,
            project=project,
            model=model,
            branch=branch,
            tool=tool,
            file=file,
            has=has,
            machine=origin(self, machine),
            subagents=subagents,
            since=since,
            until=until,
        )
        machines = self.machines() if by == "machine" else None
        found, fresh = self.read(lambda db: facets.facets(db, by, filters, machines))
        return Listing(found, fresh.behind)


def session_filters(
    *,
    has: Has | None,
    machine: Origin | None = None,
    subagents: bool,
    gone: bool = False,
    since: datetime | str | int | None,
    until: datetime | str | int | None,
    **names: str | None,
) -> SessionFilters:
    """Return filters of a list; None means no filter.

    Raises:
        QueryError: a name is no text.
        EventError: a moment is none.
        ValueError: `has` is unknown.
    """
    with no_fork.turn:
        from projector.views.session_filters import SessionFilters  # noqa: PLC0415 - a search lists none

    check_filters(names)
    check_has(has)
    bounds = bound("since", since), bound("until", until)
    return SessionFilters(
        **names,
        errors=has is not None,
        machine=machine,
        gone=gone,
        subagents=subagents,
        since=bounds[0],
        until=bounds[1],
    )
