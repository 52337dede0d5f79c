"""What a handle remembers of the sessions that it flushed or read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from journal.fork import follow
from projector.store.flush.plan import Held
from projector.store.flush.standing import Standing
from projector.store.flush.words import SAID

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from projector.store.flush.handed import Handed
    from projector.store.tails import Offsets

_SESSIONS, _MESSAGES = 1_000, 100_000
"""Most sessions, and most messages of all of them together, that are remembered."""


@dataclass(slots=True)
class Account:
    """What is remembered of a session.

    Attributes:
        held: what the caller's own list had.
        is_flushed: whether the handle has flushed a list.
        standing: what stood when it was looked at last.
        offsets: how far the lanes were read then.
        is_read: whether the two agree.
    """

    held: Held = field(default_factory=Held)
    is_flushed: bool = False
    standing: Standing = field(default_factory=Standing)
    offsets: Offsets = field(default_factory=dict)
    is_read: bool = False

    @property
    def size(self) -> int:
        """How many messages are remembered."""
        return max(len(self.standing.messages), len(self.held.words))

    def note(self, ids: Sequence[str], handed: Sequence[Handed]) -> None:
        """Note the caller's own list: the ids of its messages, and the messages."""
        self.is_flushed = True
        said = {id: message.words for id, message in zip(ids, handed, strict=True)}
        self.held.words.update(said)
        if handed:
            last = _copied({name: handed[-1].data.get(name) for name in SAID})
            self.held.last = None if last is None else (ids[-1], last)


def _copied(said: dict[str, Any]) -> dict[str, Any] | None:
    """Return a copy of what a message says: its caller may go on in the same lists."""
    if isinstance(said["content"], str) and said["tool_calls"] is None:
        return said
    try:
        copy: dict[str, Any] = orjson.loads(orjson.dumps(said))
    except TypeError:  # what no record can hold does not go on
        return None
    return copy


class Memory:
    """The accounts of a handle, those used last. Safe for threads.

    Whoever works on an account takes it out: another thread that flushes the same session
    meanwhile begins with an empty one.
    """

    def __init__(self) -> None:
        self._turn = threading.RLock()  # a signal handler may flush, too
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        self._size = 0
        follow(self)

    def after_fork_in_child(self) -> None:
        """Forget the lock, which a thread that is not in the child may hold."""
        self._turn = threading.RLock()
        self._size = sum(account.size for account in self._accounts.values())

    def take(self, session: str) -> Account:
        """Take the account of a session out; an empty one if nothing is remembered."""
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
            if other is not None:  # a thread that worked on the same session
                self._size -= other.size
                account.held.words = other.held.words | account.held.words
            self._accounts[session] = account
            self._size += account.size
            while len(self._accounts) > 1 and (
                len(self._accounts) > _SESSIONS or self._size > _MESSAGES
            ):
                _, oldest = self._accounts.popitem(last=False)
                self._size -= oldest.size

    def note_read(self, session: str, ids: Iterable[str]) -> None:
        """Note what a caller has read who has flushed nothing: it begins its list with that.

        One who has flushed has a list already, and what others have said is not in it.
        """
        account = self.take(session)
        if not account.is_flushed:
            account.held.words = dict.fromkeys(ids)
        self.put(session, account)
