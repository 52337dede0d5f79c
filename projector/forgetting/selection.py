"""What a user can select to be forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from journal.format.timestamps import check_moment, moment
from projector.arguments import check_filters, check_names
from projector.errors import QueryError
from projector.text.query import parse

if TYPE_CHECKING:
    from datetime import datetime

Scope = Literal[
    "session",
    "message",
    "query",
    "source",
    "age",
    "deleted",
    "replaced",
    "deleted and replaced",
    "retention",
]
"""How something was selected; a request contains it as `scope`."""


_PARTS = 2
"""A message is named by its session and its id."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to be forgotten.

    ::

        Selection(sessions=("s1", "s2"))
        Selection(messages=(("s1", "m7"),))
        Selection(query="password", source="cli")
        Selection(source="web", before="2026-01-01T00:00Z")
        Selection(deleted=True, replaced=True, before="2026-01-01T00:00Z")

    Give sessions, messages or both; or a query; or a source, a time or both; or what is deleted,
    what was replaced or both. A query can be narrowed by sessions, by a source and by a time, what
    is deleted or replaced by sessions and by a time.

    Sessions, messages, hits of a query and what comes from a source are forgotten for ever: also
    where another session, import or machine repeats these messages. What is selected by a time
    alone, or by a source and a time, is forgotten event by event. Then a session can continue, and
    a younger session that repeats its messages keeps them.

    What is deleted are messages that are removed from their transcript, or were cleared or replaced
    without being archived, and sessions that were deleted and not created again. They are forgotten
    event by event, and readers see no difference: sessions, transcripts and searches stay the same.
    For that, what deletes is kept, and so are deleted messages that the order of others follows
    from, or that a fork repeats and shows. A deletion is final then: a message that it names cannot
    be restored by a later flush.

    What was replaced are revisions of messages, fields of sessions, key-values and totals of usage
    of which later events replaced every value, if they have 512 bytes or more. They are forgotten
    event by event, too, and readers see no difference. What a message said when it was appended
    stays with it.

    Attributes:
        sessions: ids of sessions.
        messages: messages, each as the id of its session and its own id.
        query: words as for a search; all messages that a search finds.
        source: where messages come from: sessions of which all messages do, and of other sessions
            these messages.
        before: with a query, messages before this moment; with `deleted` and `replaced`, what
            has been deleted or replaced since before it; else sessions whose last message was
            before it: an aware datetime, an ISO 8601 string, or microseconds since 1970. A moment
            in the future, which would select everything, is refused by `plan` and `forget`.
        deleted: what is deleted, to get its space back.
        replaced: values that were replaced, to get their space back.

    Raises:
        QueryError: nothing is selected, the parts cannot be combined, a name is no text, or the
            query has nothing to search for.
        EventError: `before` is no moment.
    """

    sessions: tuple[str, ...] = ()
    messages: tuple[tuple[str, str], ...] = ()
    query: str | None = None
    source: str | None = None
    before: datetime | str | int | None = None
    deleted: bool = False
    replaced: bool = False

    def __post_init__(self) -> None:
        _check_tuple("sessions", self.sessions)
        _check_tuple("messages", self.messages)
        for name in self.sessions:
            check_names({"session": name})
        for message in self.messages:
            if not isinstance(message, (tuple, list)) or len(message) != _PARTS:
                raise QueryError(
                    f"messages must be pairs of a session's id and a message's id, not {message!r}"
                )
            session, id = message
            check_names({"session": session, "id": id})
        check_filters({"query": self.query, "source": self.source})
        if self.before is not None:
            before = moment("before", self.before)
            check_moment("before", before)
            object.__setattr__(self, "before", before)
        self._check_parts()
        if self.query is not None:
            parse(self.query)

    def _check_parts(self) -> None:
        named = bool(self.sessions or self.messages)
        narrowed = self.source is not None or self.before is not None
        if not (named or narrowed or self.is_unneeded) and self.query is None:
            raise QueryError(
                "nothing is selected: give sessions, messages, a query, a source, an age, or what"
                " is deleted or replaced"
            )
        if self.is_unneeded and (
            self.messages or self.query is not None or self.source is not None
        ):
            raise QueryError(
                "what is deleted or replaced can be narrowed by sessions and by an age alone"
            )
        if self.messages and (self.query is not None or narrowed):
            raise QueryError("single messages cannot be combined with a query, a source or an age")
        if self.sessions and narrowed and self.query is None and not self.is_unneeded:
            raise QueryError(
                "sessions that are named cannot be combined with a source or an age: name only"
                " those that are to be forgotten"
            )

    @property
    def scope(self) -> Scope:
        """How this was selected."""
        if self.query is not None:
            return "query"
        if self.is_unneeded:
            if not self.replaced:
                return "deleted"
            return "deleted and replaced" if self.deleted else "replaced"
        if self.before is not None:
            return "age"
        if self.source is not None:
            return "source"
        return "session" if self.sessions else "message"

    @property
    def cutoff(self) -> int | None:
        """`before` in microseconds since 1970."""
        return None if self.before is None else moment("before", self.before)

    @property
    def is_unneeded(self) -> bool:
        """Whether it is what readers do not need: what is deleted or replaced."""
        return self.deleted or self.replaced

    @property
    def is_by_age(self) -> bool:
        """Whether single events are forgotten, and not what repeats them."""
        return self.is_unneeded or self.scope == "age"


def _check_tuple(name: str, value: object) -> None:
    """Refuse a single text: its characters would be taken for names.

    Raises:
        QueryError: it is neither a tuple nor a list.
    """
    if not isinstance(value, (tuple, list)):
        raise QueryError(f"{name} must be a tuple or a list, not {value!r}")
