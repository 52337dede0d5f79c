"""The documents that a sink has, and what a sink must be able to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projector.text.query_tree import Node


class Document(NamedTuple):
    """A message as a sink has it.

    Attributes:
        part: the part of the projection that it is from, as text; empty for the whole.
        session, id: of the message; together the key of the document.
        role, source: of the message; empty if it has none.
        machine: uuid of the machine whose lane has its event; empty for this one.
        place: its date, microseconds since 1970.
        text: its text as it is indexed: words in lower case without accents, Chinese, Japanese and
            Korean in pairs of characters.
        state: 0 in the transcript, 1 archived.
        deleted: 1 if a search does not find it any more, or at another session.
        version: of two documents with one key the one with the higher version counts.
    """

    part: str
    session: str
    id: str
    role: str
    source: str
    machine: str
    place: int
    text: str
    state: int
    deleted: int
    version: int


class Key(NamedTuple):
    """The key of a message."""

    session: str
    id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A search of a sink.

    Attributes:
        wanted: the words, in the spelling of the index.
        role, source, session, machine: of the messages; None for all.
        since, until: their dates, microseconds since 1970: from, and before; None for all.
        limit, offset: how many, the newest first, and how many of these to skip.
    """

    wanted: Node
    role: str | None = None
    source: str | None = None
    session: str | None = None
    machine: str | None = None
    since: int | None = None
    until: int | None = None
    limit: int = 20
    offset: int = 0


class Checksum(NamedTuple):
    """What is equal for equal documents, without their versions: their number, and a sum of hashes.

    The hash of a document is the first 8 bytes of the MD5 of its fields, joined by NUL, little
    endian; the sum is modulo 2^64.
    """

    documents: int
    sum: int


class Sink(Protocol):
    """An engine that has documents, and searches them."""

    def prepare(self) -> str:
        """Make the table if it is missing; return what identifies it: another one has another."""
        ...

    def put(self, documents: Sequence[Document]) -> None:
        """Store documents; again does nothing. They are found when this returns."""
        ...

    def erase(self, part: str, sessions: Sequence[str]) -> None:
        """Erase the documents of sessions, all versions and physically."""
        ...

    def erase_older(self, part: str, version: int) -> None:
        """Erase all documents of a part with a lower version, physically."""
        ...

    def sessions(self, part: str) -> list[str]:
        """Return the ids of the sessions that a part has documents of."""
        ...

    def latest(self, part: str) -> int:
        """Return the highest version of a part; 0 if it has no document."""
        ...

    def search(self, asked: Asked) -> list[Key]:
        """Return the messages that match, the newest first."""
        ...

    def checksum(self, part: str) -> Checksum:
        """Return the checksum of the documents of a part that are not deleted."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...
