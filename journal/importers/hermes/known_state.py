"""What the ledger knows of a Hermes database: eight bytes for each imported value.

From it the next import finds what is new, what has changed, and what is gone. Like everything in
the ledger it is a hint: without it everything is appended again, which changes nothing, and only
changes since the last import are missed.
"""

from __future__ import annotations

import base64
import hashlib
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from journal.importers.hermes.rows import MessageState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from journal.importers.parsing.values import Json

_STATE_BITS = 3
"""The lowest bits of a message's mark hold its state."""


def mark53_of(value: Json) -> int:
    """Return a number below 2**53 that identifies a JSON value.

    The mark of a message has its state in bits beside such a number. That of
    `journal.importers.sqlite.known` has all 64 bits.
    """
    return _number(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


def _number(raw: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest()) >> 11


def _signed() -> array[int]:
    return array("q")


def _unsigned() -> array[int]:
    return array("Q")


@dataclass(slots=True)
class SessionMarks:
    """What is known of one session.

    Attributes:
        fields: a mark for each field that it has, `extra.<key>` among them.
        ended: a mark of its end; 0 while it is open.
        usage: a mark of its counters; 0 when nothing was used.
    """

    fields: dict[str, int] = field(default_factory=dict)
    ended: int = 0
    usage: int = 0


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """What is known of one message: row id, mark of its content, session, state."""

    row: int
    mark: int
    session: str
    state: MessageState


@dataclass(slots=True)
class MessageMarks:
    """What is known of the messages, by their row ids, which only grow."""

    _rows: array[int] = field(default_factory=_signed)
    _marks: array[int] = field(default_factory=_unsigned)
    _of: array[int] = field(default_factory=_unsigned)
    _names: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def mark(content: bytes) -> int:
        """Return a hash of the message's content, as its mark."""
        return _number(content) << 2

    def __iter__(self) -> Iterator[KnownMessage]:
        for row, mark, of in zip(self._rows, self._marks, self._of, strict=True):
            state = MessageState(mark & _STATE_BITS)
            yield KnownMessage(row, mark & ~_STATE_BITS, self._names[of], state)

    def add(self, known: KnownMessage) -> None:
        """Note a message; its row id is higher than those before."""
        number = self._numbers.setdefault(known.session, len(self._names))
        if number == len(self._names):
            self._names.append(known.session)
        self._rows.append(known.row)
        self._marks.append(known.mark | known.state)
        self._of.append(number)

    def packed(self) -> dict[str, Json]:
        """Return all of it as JSON."""
        whole = {"rows": self._rows, "marks": self._marks, "of": self._of}
        return {name: base64.b64encode(part.tobytes()).decode() for name, part in whole.items()} | {
            "names": self._names
        }

    @classmethod
    def unpacked(cls, packed: dict[str, Json]) -> MessageMarks:
        """Parse the result of `packed`.

        Raises:
            ValueError: it is no result of `packed`; KeyError and TypeError mean the same.
        """
        rows, marks, of = _signed(), _unsigned(), _unsigned()
        rows.frombytes(base64.b64decode(packed["rows"], validate=True))
        marks.frombytes(base64.b64decode(packed["marks"], validate=True))
        of.frombytes(base64.b64decode(packed["of"], validate=True))
        names = [str(name) for name in packed["names"]]
        if not len(rows) == len(marks) == len(of) or max(of, default=-1) >= len(names):
            raise ValueError("parts of different lengths")
        if any(mark & _STATE_BITS > max(MessageState) for mark in marks):
            raise ValueError("a message without a state")
        return cls(rows, marks, of, names, {name: at for at, name in enumerate(names)})


@dataclass(slots=True)
class KnownState:
    """What is known of one database.

    Attributes:
        round: number of imports that found changes; it makes the ids of changes differ.
        sessions: the sessions, by Hermes's ids.
        messages: the messages.
        keys: a mark for each key-value, by namespace and key.
    """

    round: int = 0
    sessions: dict[str, SessionMarks] = field(default_factory=dict)
    messages: MessageMarks = field(default_factory=MessageMarks)
    keys: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def unpack(cls, packed: str) -> KnownState:
        """Parse the result of `packed`; anything else gives an empty state."""
        try:
            found = orjson.loads(packed)
            sessions = {
                name: SessionMarks(_marks(of["fields"]), int(of["ended"]), int(of["usage"]))
                for name, of in found["sessions"].items()
            }
            messages = MessageMarks.unpacked(found["messages"])
            keys = {name: _marks(marks) for name, marks in found["keys"].items()}
            return cls(int(found["round"]), sessions, messages, keys)
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls()  # an unreadable hint is ignored

    def packed(self) -> str:
        """Return all of it as text."""
        whole = {
            "round": self.round,
            "sessions": {
                name: {"fields": of.fields, "ended": of.ended, "usage": of.usage}
                for name, of in self.sessions.items()
            },
            "messages": self.messages.packed(),
            "keys": self.keys,
        }
        return orjson.dumps(whole).decode()

    def without(self, is_forgotten: Callable[[str], bool]) -> KnownState:
        """Return it without the sessions that were forgotten: their ids must not be kept."""
        sessions = {name: of for name, of in self.sessions.items() if not is_forgotten(name)}
        if len(sessions) == len(self.sessions):
            return self
        messages = MessageMarks()
        for known in self.messages:
            if not is_forgotten(known.session):
                messages.add(known)
        return KnownState(self.round, sessions, messages, self.keys)

    def emptied(self) -> KnownState:
        """Return an empty state whose next changes get ids that no earlier one had."""
        return KnownState(self.round + 1)


def _marks(found: dict[str, Json]) -> dict[str, int]:
    return {name: int(mark) for name, mark in found.items()}
