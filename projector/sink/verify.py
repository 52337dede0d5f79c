"""Compare what a sink has with the projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.projection import Projection
from projector.sink.document import Checksum
from projector.sink.documents import Documents

if TYPE_CHECKING:
    import apsw

    from journal.fs.directory import Directory
    from projector.fold.part import Part
    from projector.sink.document import Document, Sink


@dataclass(frozen=True, slots=True)
class Compared:
    """What the projection and the sink have.

    Attributes:
        projection, sink: their checksums.
    """

    projection: Checksum
    sink: Checksum

    @property
    def is_equal(self) -> bool:
        """Whether they have the same documents."""
        return self.projection == self.sink


def compare(journal: Directory, sink: Sink, part: Part | None) -> Compared:
    """Compare all documents of a sink with the projection, or with one part.

    Raises:
        SinkError: the sink cannot be reached, or refuses.
        ProjectionError, ReadError: the projection cannot be read.
    """
    with Projection(journal.path, part=None if part is None else str(part)) as projection:
        (own, name), _ = projection.read(_checksum)
    return Compared(own, sink.checksum(name))


def _checksum(db: apsw.Connection) -> tuple[Checksum, str]:
    documents = Documents(db)
    count = total = 0
    for document in documents.every():
        count += 1
        total += hash_of(document)
    return Checksum(count, total % 2**64), documents.part


def hash_of(document: Document) -> int:
    """Return the hash of a document, as of `projector.sink.document.Checksum`."""
    from hashlib import md5  # noqa: PLC0415 - only a comparison needs it

    _, session, id, role, source, machine, place, text, state, *_ = document
    fields = (session, id, role, source, machine, str(place), str(state), text)
    digest = md5("\0".join(fields).encode(errors="replace"), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "little")
