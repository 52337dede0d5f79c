"""Compare what a sink has with the projection."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from hashlib import md5
from typing import TYPE_CHECKING, NamedTuple

from journal.format.fields.erasure import PENDING, REMOVED
from projector.db.generations import generations, is_in_parts, with_part
from projector.fold.part import Part
from projector.outbox import read_progress
from projector.parts import Parts
from projector.projection import Projection
from projector.sink.document import Checksum
from projector.sink.documents import Documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import apsw

    from journal.fs.directory import Directory
    from projector.sink.document import Document, Sink


@dataclass(frozen=True, slots=True)
class Compared:
    """What the projection and the sink have.

    Attributes:
        projection, sink: their checksums.
        forgotten: `pending` if the sink may have what was forgotten, also in rows that no search
            finds any more; `removed` if it has it no more; None if nothing was ever forgotten.
    """

    projection: Checksum
    sink: Checksum
    forgotten: str | None

    @property
    def is_equal(self) -> bool:
        """Whether they have the same documents."""
        return self.projection == self.sink


def compare(journal: Directory, sink: Sink, part: Part | None) -> Compared:
    """Compare all documents of a sink with the projection, or with one part.

    A journal that is projected in parts, and not as a whole, is compared part by part.

    Raises:
        SinkError: the sink cannot be reached, or refuses.
        ProjectionError, ReadError: the projection cannot be read, or a part is missing.
    """
    if part is not None or not is_in_parts(journal.path):
        return _compare(journal, sink, part)
    with closing(Parts(journal.path)) as parts:
        names = parts.names
    return _together([_compare(journal, sink, Part.parse(name)) for name in names])


def _together(parts: Sequence[Compared]) -> Compared:
    """Return what parts have together; a checksum does not depend on the part of a document."""
    projection = _sum(each.projection for each in parts)
    states = {each.forgotten for each in parts}
    forgotten = next((state for state in (PENDING, REMOVED) if state in states), None)
    return Compared(projection, _sum(each.sink for each in parts), forgotten)


def _sum(checksums: Iterable[Checksum]) -> Checksum:
    documents, sums = zip(*checksums, strict=True)
    return Checksum(sum(documents), sum(sums) % 2**64)


def _compare(journal: Directory, sink: Sink, part: Part | None) -> Compared:
    table = sink.prepare()
    with Projection(journal.path, part=None if part is None else str(part)) as projection:
        own, _ = projection.read(_own)
    progress = read_progress(generations(with_part(journal, part).base).folder)
    forgotten = None
    if own.has_forgotten:
        is_swept = (
            progress is not None
            and progress.has_sent(own.build)
            and progress.table == table
            and not sink.older(own.part, progress.base)
        )
        forgotten = REMOVED if is_swept else PENDING
    return Compared(own.checksum, sink.checksum(own.part), forgotten)


class _Own(NamedTuple):
    """What a projection has: its documents, its part as text, its build, and any request."""

    checksum: Checksum
    part: str
    build: str
    has_forgotten: bool


def _own(db: apsw.Connection) -> _Own:
    documents = Documents(db)
    count = total = 0
    for document in documents.every():
        count += 1
        total += hash_of(document)
    has_forgotten = db.execute("SELECT 1 FROM _requests LIMIT 1").get is not None
    return _Own(Checksum(count, total % 2**64), documents.part, documents.build, has_forgotten)


def hash_of(document: Document) -> int:
    """Return the hash of a document, as of `projector.sink.document.Checksum`."""
    fields = (
        *(document.session, document.id, document.role, document.source),
        *(document.model, document.branch, str(document.meta)),
        *("\n".join(document.tools), "\n".join(document.files), str(document.failed)),
        *(document.machine, str(document.place), str(document.state), document.text),
    )
    digest = md5("\0".join(fields).encode(errors="replace"), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "little")
