"""What the ledger knows of a database: how far its tables and its conversations were read.

Like everything in the ledger it is a hint. Without it, the whole database is read again; events
that the journal has are not appended a second time.
"""

from __future__ import annotations

import base64
import hashlib
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from journal.importers.parsing.values import Json


def mark_of(value: Json | Mapping[str, Json]) -> int:
    """Return a number below 2**64 that identifies a JSON value."""
    raw = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest())


def _marks() -> array[int]:
    return array("Q")


@dataclass(slots=True)
class KnownConversation:
    """What is known of one conversation.

    Attributes:
        head: the mark of its head.
        rows: the mark of its rows; 0 if they may have changed since without another mark.
        newest: the time of its last change, in microseconds; 0 if it is not known.
        messages: ids of its messages.
        archived: ids of messages that it had and has no more.
        marks: marks of all its events.
    """

    head: int = 0
    rows: int = 0
    newest: int = 0
    messages: list[str] = field(default_factory=list)
    archived: list[str] = field(default_factory=list)
    marks: array[int] = field(default_factory=_marks)


@dataclass(slots=True)
class KnownDatabase:
    """What is known of one database.

    Attributes:
        round: number of imports that appended something; it makes the ids of repeated changes
            differ.
        tables: for each table some of its rows, as rowid and mark of the key; the last is the row
            up to which it was read.
        conversations: the conversations, by their ids in the source.
    """

    round: int = 0
    tables: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    conversations: dict[str, KnownConversation] = field(default_factory=dict)

    @classmethod
    def unpack(cls, packed: str) -> KnownDatabase:
        """Parse the result of `packed`; anything else gives an empty state."""
        try:
            found = orjson.loads(packed)
            tables = {
                str(name): [(int(row), int(mark)) for row, mark in rows]
                for name, rows in found["tables"].items()
            }
            conversations = {
                str(id): _conversation(of) for id, of in found["conversations"].items()
            }
            return cls(int(found["round"]), tables, conversations)
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls()  # an unreadable hint is ignored

    def packed(self) -> str:
        """Return all of it as text."""
        whole = {
            "round": self.round,
            "tables": self.tables,
            "conversations": {
                id: [
                    of.head,
                    of.rows,
                    of.newest,
                    of.messages,
                    of.archived,
                    base64.b64encode(of.marks.tobytes()).decode(),
                ]
                for id, of in self.conversations.items()
            },
        }
        return orjson.dumps(whole).decode()

    def without(self, is_forgotten: Callable[[str], bool]) -> KnownDatabase:
        """Return it without the conversations that were forgotten: their ids must not be kept."""
        left = {id: of for id, of in self.conversations.items() if not is_forgotten(id)}
        return KnownDatabase(self.round, self.tables, left)


def _conversation(packed: list[Json]) -> KnownConversation:
    head, rows, newest, messages, archived, marks = packed
    found = _marks()
    found.frombytes(base64.b64decode(marks, validate=True))
    ids = [[str(id) for id in listed] for listed in (messages, archived)]
    return KnownConversation(int(head), int(rows), int(newest), ids[0], ids[1], found)
