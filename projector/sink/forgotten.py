"""Whether what was forgotten has left the sink, as far as this journal can say.

A projection that showed what is forgotten is replaced by one that was built without it, and the
drainer sends a new build as a whole: it erases what the build does not have. So what was forgotten
has left the sink when the drainer of each projection has sent the build in use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.fields.erasure import PENDING, REMOVED
from projector.db.generations import find_parts, generations, with_part
from projector.outbox import CONFIG, build_of, read_progress
from projector.projection import Projection

if TYPE_CHECKING:
    import apsw

    from journal.fs.directory import Directory
    from projector.fold.part import Part


def state_in_sink(journal: Directory) -> str | None:
    """Return `PENDING` while the sink may have what was forgotten, else `REMOVED`.

    A journal without a sink has None. Nothing is sent, and the sink is not asked. A projection that
    never sent anything counts only if no other one did either.

    Raises:
        ProjectionError: a projection, or what it sent, cannot be read.
    """
    if not (journal.path / CONFIG).exists():
        return None
    sent = [_has_sent_all(journal, part) for part in (None, *find_parts(journal.path))]
    known = [each for each in sent if each is not None]
    return REMOVED if known and all(known) else PENDING


def _has_sent_all(journal: Directory, part: Part | None) -> bool | None:
    """Return whether a projection has sent the build in use; None if it never sent anything."""
    progress = read_progress(generations(with_part(journal, part).base).folder)
    if progress is None:
        return None

    def build(db: apsw.Connection | None) -> str | None:
        return None if db is None else build_of(db)

    with Projection(journal.path, part=None if part is None else str(part)) as projection:
        return progress.has_sent(projection.peek(build))
