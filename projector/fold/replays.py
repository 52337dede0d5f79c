"""Where a message that several sessions have is at home: pure functions.

A *line* is what a message is recognised by in other sessions (`journal.format.fields.line`). Those
messages of a line that have the same words are one message. It is at home in one session, and a
replay in all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projector.fold.messages import OUT
from projector.fold.sessions import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping


_WORDS = ("role", "content", "reasoning", "tool_calls")
"""The fields in which a message and its replay are equal."""

USED = "usage"
"""Prefix of the lines of usage: a call and a message can have one id."""

LEAST_CALL = 16
"""Characters of a `call` by which usage is recognised in other sessions."""


def words_of(data: Mapping[str, Any]) -> bytes:
    """Return the words of a message: equal for a message and what repeats it."""
    return canonical([data.get(name) for name in _WORDS])


@dataclass(frozen=True, slots=True)
class Rank:
    """What chooses between sessions of which none is named as the parent of another.

    Attributes:
        session: its id.
        first: moment of its first message that no other session has; None if it has none.
    """

    session: str
    first: int | None

    @property
    def key(self) -> tuple[bool, int, str]:
        """The sort key: the lowest is the home."""
        return self.first is not None, self.first or 0, self.session


def home_of(
    members: Iterable[tuple[int, int]],
    rank: Callable[[int], Rank],
    above: Callable[[int], Collection[int]],
) -> int | None:
    """Return the session in which a message is at home; None if no search finds it in any.

    Args:
        members: session and state of each message that is this one.
        rank: returns the rank of a session.
        above: returns the sessions that a session names as parents, transitively.
    """
    # what is in a transcript comes before what is archived
    found = [(state, session) for session, state in members if state < OUT]
    best = min(found, default=(OUT, 0))[0]
    sessions = {session for state, session in found if state == best}
    if len(sessions) > 1:
        # all of them in a cycle of parents, which only a broken writer makes
        sessions = {each for each in sessions if sessions.isdisjoint(above(each))} or sessions
    return min(sessions, key=lambda session: rank(session).key, default=None)
