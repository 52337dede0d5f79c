"""Reads sessions in pages, each in a snapshot of its own, and takes secrets out of them.

No transaction is held while text is written: the reader of a pipe may take hours. What is appended
after the beginning is left out, by the numbers of the records.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from journal.format.event_types import (
    MESSAGE_ARCHIVED,
    MESSAGE_REMOVED,
    MESSAGE_RESTORED,
    MESSAGE_REVISED,
    SESSION_CLEARED,
    TRANSCRIPT_REPLACED,
)
from projector.db.kinds import KINDS, MESSAGE
from projector.errors import NotFound, ProjectionError
from projector.export.calls import KeptCalls
from projector.export.conversation import Conversation
from projector.export.detail import at_detail
from projector.export.pages import page
from projector.views.billing.calls import calls_of
from projector.views.messages import tool_names, with_tool_name
from projector.views.redacted import redacted_message, redacted_session
from projector.views.sessions import session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import apsw

    from journal.redact.redactor import Redactor
    from projector.errors import Behind
    from projector.export.conversation import Detail
    from projector.export.pages import Place
    from projector.projection import Projection
    from projector.views.messages import MessageView
    from projector.views.sessions import SessionView

_MOST, _SIZE = 200, 512 * 1024
"""Messages of a page, and characters of them."""
_CACHE = -1024
"""Page cache of the connection and what it sorts in, in KiB with a minus sign: each page is read
once."""
_EDITS = (
    MESSAGE_ARCHIVED,
    MESSAGE_REMOVED,
    MESSAGE_RESTORED,
    MESSAGE_REVISED,
    SESSION_CLEARED,
    TRANSCRIPT_REPLACED,
)
"""Types of events that change messages that are there."""
_TOOLS = 10_000
"""Calls whose tools are remembered for their results."""

Answer = TypeVar("Answer")
Looked = tuple[Answer, "Behind | None"]
"""An answer, and what the projection lacked."""


class Look(Protocol):
    """Queries a projection."""

    def __call__(
        self, projection: Projection, query: Callable[[apsw.Connection], Answer], /
    ) -> Looked[Answer]:
        """Return the answer, and what the projection lacked."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is exported, and how.

    Attributes:
        projection: what is read.
        sessions: the ids of the sessions, in order.
        applied: of each lane the number of the last record that is exported.
        behind: what the projection lacks; None if nothing.
        redactor: takes secrets out; None leaves them.
        detail: how much of each session is exported.
        redacted: counts the secrets by their kinds.
        edited: the ids of sessions that were edited while they were read.
    """

    projection: Projection
    sessions: tuple[str, ...]
    applied: dict[str, int]
    behind: Behind | None
    redactor: Redactor | None
    detail: Detail
    redacted: Counter[str] = field(default_factory=Counter)
    edited: set[str] = field(default_factory=set)

    def conversations(self) -> Iterator[Conversation]:
        """Yield the sessions; one that is deleted meanwhile is left out."""
        for name in self.sessions:
            view = self._ask(partial(_session, name=name))
            if view is not None:
                yield self._conversation(view)

    def _conversation(self, view: SessionView) -> Conversation:
        name = view.session
        if self.redactor is not None:
            view = redacted_session(self.redactor, view, self.redacted)
        return Conversation(
            view,
            lambda: at_detail(self.detail, self._messages(name)),
            lambda: self._ask(lambda db: KeptCalls(calls_of(db, name))),
        )

    def _messages(self, name: str) -> Iterator[MessageView]:
        tools = OrderedDict[str, str]()
        for message in self._pages(name):
            for id, tool in tool_names([message]).items():
                tools[id] = tool
                if len(tools) > _TOOLS:
                    tools.popitem(last=False)
            named = with_tool_name(message, tools)
            if self.redactor is None:
                yield named
            else:
                yield redacted_message(self.redactor, named, self.redacted)

    def _pages(self, name: str) -> Iterator[MessageView]:
        after: Place | None = None
        while True:
            found = self._ask(partial(page, name=name, after=after, most=_MOST, size=_SIZE))
            if not found:
                break
            for place, message in found:
                lane, number = place[3:5]
                if number <= self.applied.get(lane, 0):
                    yield message
            after = found[-1][0]
        edits = self._ask(partial(_edits, name=name))
        if any(number > self.applied.get(lane, 0) for lane, number in edits):
            self.edited.add(name)

    def _ask(self, query: Callable[[apsw.Connection], Answer]) -> Answer:
        why = "the projection was removed during the export; try again"
        return _peek(self.projection, query, why)


def newest(projection: Projection, query: Callable[[apsw.Connection], Answer]) -> Looked[Answer]:
    """Query the projection after what is new in the journal was applied."""
    answer, fresh = projection.read(query)
    return answer, fresh.behind


def as_applied(
    projection: Projection, query: Callable[[apsw.Connection], Answer]
) -> Looked[Answer]:
    """Query the projection as it is, and apply nothing."""
    missing = "there is no projection yet: run `projector sync`"
    return _peek(projection, query, missing), projection.behind()


def begin(
    projection: Projection,
    names: Iterable[str],
    redactor: Redactor | None,
    detail: Detail,
    look: Look = newest,
) -> Reading:
    """Find the sessions that are named, and what is applied now.

    Args:
        projection: what is read.
        names: of the sessions, as `Projection.session` takes them; each is exported once.
        redactor: takes secrets out; None leaves them.
        detail: how much of each session is exported.
        look: how the projection is queried first: `newest` or `as_applied`.

    Raises:
        NotFound: there is no such session, or there are several.
        ProjectionError: the projection cannot be read or built.
    """
    wanted = tuple(names)

    def find(db: apsw.Connection) -> tuple[tuple[str, ...], dict[str, int]]:
        ids = dict.fromkeys(session(db, name).session for name in wanted)
        lanes = db.execute("SELECT lane, applied FROM lanes")
        return tuple(ids), {str(lane): int(number) for lane, number in lanes}

    (ids, applied), behind = look(projection, find)
    return Reading(projection, ids, applied, behind, redactor, detail)


def _peek(
    projection: Projection, query: Callable[[apsw.Connection], Answer], missing: str
) -> Answer:
    def ask(db: apsw.Connection | None) -> Answer:
        if db is None:
            raise ProjectionError(missing)
        db.pragma("cache_size", _CACHE)
        return query(db)

    return projection.peek(ask)


def _edits(db: apsw.Connection, name: str) -> list[tuple[str, int]]:
    """Return lane and number of each record that changed messages of a session."""
    query = (
        "SELECT l.uuid, e.seq FROM _events e JOIN _lanes l ON l.id = e.lane_row"
        f" WHERE e.kind <> {MESSAGE} AND e.kind IN ({', '.join('?' * len(_EDITS))})"
        " AND e.session = (SELECT id FROM _sessions WHERE session = ?)"
    )
    kinds = (KINDS[type] for type in _EDITS)
    return [(str(lane), int(number)) for lane, number in db.execute(query, (*kinds, name))]


def _session(db: apsw.Connection, name: str) -> SessionView | None:
    try:
        found = session(db, name)
    except NotFound:
        return None
    return found if found.session == name else None
