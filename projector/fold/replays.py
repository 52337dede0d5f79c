"""Where a message that several sessions have is at home: pure functions.

A *line* is what a message is recognised by in other sessions (`journal.format.fields.line`). Those
messages of a line that have the same words are one message. It is at home in one session, and a
replay in all others.
"""

from __future__ import annotations

from binascii import b2a_base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journal.process.fork import no_fork
from projector.fold.messages import OUT
from projector.fold.sessions import call_of, canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from hashlib import blake2b


WORDS = ("role", "content", "reasoning", "tool_calls")
"""The fields in which a message and its replay are equal."""
_ROLE = "role"
"""The one of them that is short."""
_TIME = "timestamp"

USED = "usage"
"""Prefix of the lines of usage: a call and a message can have one id."""

LEAST_CALL = 16
"""Characters of a `call` by which usage is recognised in other sessions."""


def message_words(data: Mapping[str, Any]) -> str:
    """Return a hash of the words of a message: equal for a message and what repeats it.

    It is made of hashes of the fields, so a part that has only these (`projector.fold.skeleton`)
    gets the same (`skeleton_words`).
    """
    found = {name: value for name in WORDS if (value := data.get(name)) is not None}
    return skeleton_words({n: v if n == _ROLE else hashed(v) for n, v in found.items()})


def skeleton_words(data: Mapping[str, Any]) -> str:
    """Return a hash of the words of a message as `message_words`, given hashes of its fields."""
    return _hash(canonical([data.get(name) for name in WORDS])).hexdigest()


def hashed(value: object) -> str:
    """Return a hash of a field of a message.

    Raises:
        TypeError: it is nested deeper than can be encoded.
    """
    # millions of them are stored
    return b2a_base64(_hash(canonical(value), 9).digest(), newline=False).decode()


def usage_line(data: Mapping[str, Any]) -> str | None:
    """Return the line of a `usage.added`; None if no other session can repeat it.

    That is its call. A short one, such as a number, is not unique among sessions.
    """
    call = call_of(data)
    return None if call is None or len(call) < LEAST_CALL else f"{USED} {call}"


def usage_words(data: Mapping[str, Any]) -> str:
    """Return a hash of the usage in an event: equal for usage and what repeats it.

    What repeats it may have another time: forks of Codex write all lines again at theirs.
    """
    found = {name: value for name, value in data.items() if name != _TIME}
    # no hash of a message begins with the letter of usage
    return USED[0] + _hash(canonical(found)).hexdigest()


def _hash(content: bytes, size: int = 16) -> blake2b:
    with no_fork.turn:
        from hashlib import blake2b  # noqa: PLC0415 - it loads OpenSSL, and most sessions are no forks

    return blake2b(content, digest_size=size)


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
