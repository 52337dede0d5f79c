"""What is left of requests: their receipts, also of lost ones, and what was erased for them."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from journal.erasure.files.searched import HINT, Searched
from journal.erasure.request import request_of
from journal.format.event_types import ERASURE_COMPLETED, FORGET
from journal.format.record import Erased
from journal.segments.find import find_events, find_records
from journal.segments.gone import repeat_if_gone
from journal.segments.listing import list_segments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from journal.format.event import Event
    from journal.fs.directory import Directory
    from journal.segments.listing import SegmentRef

_RUN = b'"erased"'
"""What each run of erased events contains, and few other records."""
TYPES = b"erasure."
"""What the types of requests and receipts begin with."""
REMEDY = (
    "what it forgot is shown where it arrives again. `journal forget --finish` and `projector"
    " salvage` write it back if the database still has it: run one of them before `projector"
    " rebuild`; else `journal restore` a backup that has it"
)
"""What a user can do about a lost request."""


def named_requests(event: Event) -> list[str]:
    """Return the ids of the requests that a receipt names; none of an event that is no receipt."""
    if event.session != FORGET or event.type != ERASURE_COMPLETED:
        return []
    named = event.data.get("requests")
    return [id for id in named if isinstance(id, str)] if isinstance(named, list) else []


def is_of_run(event: Event) -> bool:
    """Return whether a receipt is of a run; else it only says what left the sink since."""
    return not ("sink" in event.data and "lines" not in event.data)


def find_lost_requests(directory: Directory) -> tuple[str, ...]:
    """Return the ids of requests that no lane has any more, sorted.

    Receipts name them, or an earlier search found them. Such a request was in a segment that was
    deleted, damaged or replaced by an older one.

    Raises:
        ReadError: a segment cannot be read.
    """

    def search() -> tuple[str, ...]:
        return lost_requests(directory, find_erasures(list_segments(directory.lanes)))

    lost = repeat_if_gone(search)
    # a request may have been appended, and carried out, behind what was searched
    again = repeat_if_gone(search) if lost else ()
    return tuple(id for id in lost if id in again)


def find_erasures(refs: Iterable[SegmentRef]) -> Iterator[Event]:
    """Yield the requests and receipts of segments, among them other events that name their types.

    Raises:
        ReadError: a segment cannot be read.
    """
    for ref in refs:
        yield from find_events(ref, TYPES)[0]


def count_erased(refs: Iterable[SegmentRef]) -> Counter[str]:
    """Count the erased events of segments by the id of the request that erased them.

    Numbers that are in two files of a lane, as for an hour after these were joined, count once.

    Raises:
        ReadError: a segment cannot be read.
    """
    spans: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for ref in refs:
        for run in find_records(ref, _RUN)[0]:
            if isinstance(run, Erased):
                spans[ref.lane, run.by].append((run.seq, run.seq + run.count))
    counts: Counter[str] = Counter()
    for (_, by), found in spans.items():
        behind = 0
        for first, end in sorted(found):
            counts[by] += max(0, end - max(first, behind))
            behind = max(behind, end)
    return counts


def lost_requests(directory: Directory, events: Iterable[Event]) -> tuple[str, ...]:
    """Return the ids of lost requests as `find_lost_requests`, given requests and receipts."""
    there: set[str] = set()
    named = set(Searched.load(directory.path / "imports" / HINT).found)
    for event in events:
        if request_of(event) is not None:
            there.add(event.id)
        named.update(named_requests(event))
    return tuple(sorted(named - there))


def warnings(unknown_keys: Iterable[str], lost: Iterable[str]) -> tuple[str, ...]:
    """Return what a user must know of requests that cannot be applied, and what to do.

    Args:
        unknown_keys: ids of the keys that the journal lacks.
        lost: ids of the requests that no lane has.
    """
    keys = ", ".join(unknown_keys)
    missing = (
        f"the file `key` lacks {keys}: what was forgotten with it is not recognized where it"
        " arrives, and is shown. Add the line of that key to the file, from a backup or from the"
        " journal that it comes from"
    )
    gone = (f"the request {id} to forget is in no lane any more: {REMEDY}" for id in lost)
    return (*((missing,) if keys else ()), *gone)
