"""Write events back to the journal that only the projection still has.

A journal can lose events that were projected: by a disk that did not sync, a restored backup or a
deleted segment. The next rebuild would drop them from the projection, too.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.db.generations import generations
from projector.errors import ProjectionError
from projector.run.build import building, put_into_use, rebuild
from projector.run.lost import write_back

if TYPE_CHECKING:
    from journal.fs.directory import Directory


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was written back.

    Attributes:
        events: how many events; each content of a conflict counts.
        sessions: how many sessions they belong to.
        lane: name of the lane's folder they were written to; empty if there was nothing to write.
        generation: number of the generation in use now.
        forgotten: how many records were not written back, since a request forgets them.
    """

    events: int
    sessions: int
    lane: str
    generation: int
    forgotten: int = 0


def salvage(journal: Directory) -> Salvaged:
    """Write back the events that the projection in use has and the journal lacks.

    A new generation is built from the lanes and compared with the one in use. Missing events are
    written to a new lane folder with their times, and the new generation is put into use. What a
    request in either of them forgets is not written.

    Raises:
        ProjectionError: there is no projection to save from, it cannot be read, or the journal is
            read-only.
        ProjectorBusy: a build runs.
        AppendError: the journal cannot be written.
    """
    kept = generations(journal.path)
    current = kept.current()
    if current is None:
        raise ProjectionError(f"{kept.folder} has no projection to save anything from")
    if not os.access(kept.folder, os.W_OK):
        raise ProjectionError(
            f"cannot write to {kept.folder}: it is read-only, and what is saved is written to the"
            " journal; copy the journal to a place that can be written, and salvage it there"
        )
    with building(journal) as number:
        saved = write_back(journal, kept.path(current), kept.path(number))
        requests = put_into_use(journal, number)
    if requests:  # they were among what was written back
        number = rebuild(journal)
    return Salvaged(saved.events, saved.sessions, saved.lane, number, saved.forgotten)
