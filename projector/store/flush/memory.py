"""What a handle remembers of the sessions that it flushed or read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from journal.process.fork import register
from journal.segments.settled import Settled
from projector.store.flush.plan import Remembered
from projector.store.flush.transcript import Transcript
from projector.store.flush.words import COMPARED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from projector.store.flush.listed import Listed
    from projector.store.tails import Offsets

_SESSIONS, _MESSAGES = 1_000, 100_000
"""Most sessions, and most messages of all of them together, that are remembered."""


@dataclass(slots=True)
class Account:
    """What is remembered of a session.

    Attributes:
        remembered: what is known of the caller's list.
        is_flushed: whether the handle has flushed a list.
        transcript: the transcript when it was read last.
        offsets: how far the lanes were read then.
        settled: the lane folders that were read up to their ends then.
        is_read: whether `transcript` holds everything up to `offsets`.
    """

    remembered: Remembered = field(default_factory=Remembered)
    is_flushed: bool = False
    transcript: Transcript = field(default_factory=Transcript)
    offsets: Offsets = field(default_factory=dict)
    settled: Settled = field(default_factory=Settled)
    is_read: bool = False

    @property
    def size(self) -> int:
        """How many messages are remembered."""
        return max(len(self.transcript.messages), len(self.remembered.words))

    def note(self, ids: Sequence[str], listed: Sequence[Listed]) -> None:
        """Remember the caller's list: the ids of its messages, and the messages."""
        self.is_flushed = True
        words = {id: message.words for id, message in zip(ids, listed, strict=True)}
        self.remembered.words.update(words)
        if listed:
            last = _copied({name: listed[-1].data.get(name) for name in COMPARED})
            self.remembered.last = None if last is None else (ids[-1], last)


def _copied(fields: dict[str, Any]) -> dict[str, Any] | None:
    """Copy the compared fields of a message: the caller may change its lists in place."""
    if isinstance(fields["content"], str) and fields["tool_calls"] is None:
        return fields
    try:
        copy: dict[str, Any] = orjson.loads(orjson.dumps(fields))
    except TypeError:  # a message that no record can hold does not stream
        return None
    return copy


class Memory:
    """The accounts of a handle, those used last. Safe for threads.

    A thread takes an account out while it works on it. Another thread that flushes the same
    session meanwhile begins with an empty one.
    """

    def __init__(self) -> None:
        self._turn = threading.RLock()  # a signal handler may flush too
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        self._size = 0
        register(self)

    def after_fork_in_child(self) -> None:
        """Replace the lock, which a thread of the parent may hold."""
        self._turn = threading.RLock()
        self._size = sum(account.size for account in self._accounts.values())

    def take(self, session: str) -> Account:
        """Remove and return the account of a session; an empty one if nothing is remembered."""
        with self._turn:
            account = self._accounts.pop(session, None)
            if account is None:
                return Account()
            self._size -= account.size
            return account

    def put(self, session: str, account: Account) -> None:
        """Put an account back, and forget those that were not used for the longest time."""
        with self._turn:
            other = self._accounts.pop(session, None)
            if other is not None:  # another thread flushed the same session
                self._size -= other.size
                account.remembered.words = other.remembered.words | account.remembered.words
            self._accounts[session] = account
            self._size += account.size
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        while len(self._accounts) > 1 and (
            len(self._accounts) > _SESSIONS or self._size > _MESSAGES
        ):
            _, oldest = self._accounts.popitem(last=False)
            self._size -= oldest.size

    def note_read(self, session: str, ids: Iterable[str]) -> None:
        """Remember what was read by a handle that has not flushed the session yet.

        The caller's list begins with these messages. The list of a handle that
        has flushed is known already: a read does not add the messages of other writers to it.
        """
        account = self.take(session)
        if not account.is_flushed:
            account.remembered.words = dict.fromkeys(ids)
        self.put(session, account)
