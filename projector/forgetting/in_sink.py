"""Receipts of what was forgotten and has left the sink since.

A request is carried out before its sink is: the drainer erases what was forgotten when it has sent
the projection that was built without it. The receipt says `pending` until then, and a further
receipt of the same requests, which has no numbers, says `removed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.event_types import ERASURE_COMPLETED, FORGET
from journal.format.fields.erasure import PENDING, REMOVED
from journal.fs.key_file import read_keys
from journal.writer import Journal
from projector.forgetting.erasures import read_erasures
from projector.sink.forgotten import state_in_sink

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from journal.fs.directory import Directory
    from projector.forgetting.erasures import Erasure


def note_removed(journal: Directory) -> int:
    """Append receipts if what was forgotten has left the sink; return of how many requests.

    Raises:
        JournalOpenError: the file `key` is damaged.
        ReadError, ProjectionError: a segment or a projection cannot be read.
        AppendError: the file system refuses.
    """
    # without a key nothing was ever forgotten, and the segments need not be read
    if not read_keys(journal.path) or state_in_sink(journal) != REMOVED:
        return 0
    waiting = pending_in_sink(read_erasures(journal))
    append_removed(journal, waiting)
    return len(waiting)


def pending_in_sink(erasures: Iterable[Erasure]) -> tuple[str, ...]:
    """Return the ids of the requests whose receipts say that the sink may have what they forget."""
    return tuple(
        each.id for each in erasures if each.receipt is not None and each.receipt.sink == PENDING
    )


def append_removed(journal: Directory, requests: Sequence[str]) -> None:
    """Append a receipt that says that the sink has no more what requests forget.

    Raises:
        AppendError: the file system refuses.
    """
    if requests:
        data = {"requests": list(requests), "sink": REMOVED}
        with Journal.open(journal.path, fsync="always") as lane:
            lane.append(session=FORGET, type=ERASURE_COMPLETED, data=data)
