"""The requests of a journal and their receipts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from journal.erasure.pending import find_hidden, find_pending
from journal.erasure.receipts import count_erased, is_of_run, named_requests
from journal.erasure.request import request_of
from journal.erasure.requests import Forgotten, read_requests
from journal.format.event_types import ERASURE_COMPLETED, ERASURE_REQUESTED, FORGET
from journal.fs.directory import open_directory
from journal.fs.key_file import read_keys
from journal.segments.find import find_events
from journal.segments.gone import repeat_if_gone
from journal.segments.listing import list_segments
from journal.segments.mirrors import is_mirror
from projector.errors import ProjectionDamaged
from projector.projection import Projection
from projector.run.hiding import recorded

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    import apsw

    from journal.erasure.pending import Hidden, Pending
    from journal.erasure.request import Request
    from journal.format.event import Event
    from journal.fs.directory import Directory


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one run removed: the sums of all requests that it finished.

    Attributes:
        time: when it was written; microseconds since 1970.
        requests: how many requests the run finished. If there are several, the other numbers are of
            all of them; `Erasure.erased` is of one.
        lines, segments, bytes: events that were erased or reduced, the segments that were
            rewritten for that, and bytes of the lines that these events had. What an earlier run
            removed, that left something pending, is not among them.
        generations: databases that were removed.
        unsearched: bytes that were no valid record, so that they could not be searched: they may
            hold what was to be forgotten.
        started: when the run began; microseconds since 1970.
        duration: microseconds that it took.
        sink: of this machine's sink, as far as its receipts say: `pending` if it may have what was
            forgotten, `removed` if it has it no more; None if there was no sink.
    """

    time: int
    requests: int
    lines: int
    segments: int
    bytes: int
    generations: int
    unsearched: int
    started: int
    duration: int
    sink: str | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """A request to forget, and its receipt.

    Attributes:
        id: of the request.
        time: when it was made; microseconds since 1970.
        scope: how it was selected: `session`, `message`, `query`, `source`, `age`, `deleted`,
            `retention` or `redaction`.
        reason: why; empty if none was given.
        sessions, events, messages: how many hashes it has of each.
        texts: how many texts it redacts.
        key: id of the key of its hashes.
        key_is_known: whether the journal has that key; without it, it is unknown what the request
            forgets.
        allows_again: whether the same messages may be appended again.
        erased: events in whose place the lanes have its id, whichever run erased them. An event
            that several requests forget counts for one of them. Those of which only a part was
            forgotten or redacted are not among them.
        receipt: its last receipt; None while its bytes are not removed.
        pending: the segments that still have some of them; empty if there is a receipt.
        hidden: if there is a receipt: segments that have events of it again, because a program
            appended them later, or a lane was copied into the journal.
        is_lost: whether no lane has the request any more. If only its receipt is there, `time` is
            that of the receipt, and what it forgets is not known; else the database has it.
    """

    id: str
    time: int
    scope: str
    reason: str
    sessions: int
    events: int
    messages: int
    texts: int
    key: str
    key_is_known: bool
    allows_again: bool
    erased: int
    receipt: Receipt | None
    pending: tuple[Pending, ...] = ()
    hidden: tuple[Hidden, ...] = ()
    is_lost: bool = False


def erasures(path: str | os.PathLike[str]) -> list[Erasure]:
    """Return the requests of a journal, the oldest first. It reads every segment.

    It names the segments that have what they forget: those that are pending, and those that have it
    again. A request that is lost with its segment is in the list if a receipt names it, or if the
    database has it.

    Raises:
        NotAJournalError: there is no journal.
        JournalOpenError: the file `key` is damaged.
        ReadError: a segment cannot be read.
        ProjectionError: the database cannot be read.
    """
    journal = open_directory(path, create=False)
    return repeat_if_gone(lambda: _list_erasures(journal))


def _list_erasures(journal: Directory) -> list[Erasure]:
    found = _with_recorded(journal, read_erasures(journal))
    known = [each for each in found if each.key_is_known]
    if not known:
        return found
    keys = read_keys(journal.path)
    requests = read_requests(journal).requests
    waiting = {each.id for each in known if each.receipt is None}
    alone = {id: Forgotten([it for it in requests if it.id == id], keys) for id in waiting}
    pending = find_pending(journal, alone) if alone else {}
    done = Forgotten([it for it in requests if it.id not in waiting], keys)
    hidden = find_hidden(list_segments(journal.lanes), done) if done else ()
    return [
        replace(
            each,
            pending=pending.get(each.id, ()),
            hidden=tuple(it for it in hidden if it.request == each.id),
        )
        for each in found
    ]


def _with_recorded(journal: Directory, listed: list[Erasure]) -> list[Erasure]:
    """Return erasures with those of requests that only the projection has."""
    keys = {key.id for key in read_keys(journal.path)}
    there = {each.id: each for each in listed}
    for request in only_recorded(journal, read_requests(journal)):
        before = there.get(request.id)
        erased, receipt = (before.erased, before.receipt) if before else (0, None)
        made = _erasure(request, keys, erased, receipt)
        there[request.id] = replace(made, is_lost=True)
    return sorted(there.values(), key=lambda each: (each.time, each.id))


def only_recorded(journal: Directory, forgotten: Forgotten) -> tuple[Request, ...]:
    """Return the requests that the projection in use hides by, and no lane has.

    Args:
        journal: the opened journal.
        forgotten: the requests in the lanes.

    Raises:
        ProjectionError: the projection cannot be read.
    """

    def ask(db: apsw.Connection | None) -> tuple[Request, ...]:
        found = [] if db is None else recorded(db)
        return tuple(request for request, _ in found if not forgotten.knows(request))

    try:
        with Projection.open(journal.path) as projection:
            return projection.peek(ask)
    except ProjectionDamaged:
        return ()  # it is rebuilt, and nothing can be saved from it


def read_erasures(journal: Directory) -> list[Erasure]:
    """Return the requests of an opened journal, without the segments that are pending.

    Raises:
        JournalOpenError: the file `key` is damaged.
        ReadError: a segment cannot be read.
    """
    return repeat_if_gone(lambda: _read_erasures(journal))


def _read_erasures(journal: Directory) -> list[Erasure]:
    known = {key.id for key in read_keys(journal.path)}
    requests: dict[str, Request] = {}
    receipts: dict[str, Receipt] = {}
    in_sink: dict[str, tuple[int, str]] = {}
    for event, _ in _events(journal, ERASURE_REQUESTED):
        request = request_of(event)
        if request is not None:
            requests[request.id] = request
    for event, is_own in _events(journal, ERASURE_COMPLETED):
        receipt = _receipt(event)
        word = event.data.get("sink")
        for id in named_requests(event):
            if is_own and isinstance(word, str):
                in_sink[id] = max(in_sink.get(id, (0, "")), (event.time, word))
            if is_of_run(event) and (id not in receipts or receipts[id].time < receipt.time):
                receipts[id] = receipt
    for id in in_sink.keys() & receipts.keys():
        receipts[id] = replace(receipts[id], sink=in_sink[id][1])
    erased = count_erased(list_segments(journal.lanes))
    listed = [
        _erasure(each, known, erased[each.id], receipts.get(each.id)) for each in requests.values()
    ]
    lost = receipts.keys() - requests.keys()
    listed += [_lost(id, erased[id], receipts[id]) for id in lost]
    return sorted(listed, key=lambda each: (each.time, each.id))


def _erasure(request: Request, keys: set[str], erased: int, receipt: Receipt | None) -> Erasure:
    return Erasure(
        request.id,
        request.time,
        request.scope,
        request.reason,
        len(request.sessions),
        len(request.events),
        len(request.messages),
        len(request.texts),
        request.key,
        request.key in keys,
        request.reach is not None,
        erased,
        receipt,
    )


def _lost(id: str, erased: int, receipt: Receipt) -> Erasure:
    return Erasure(
        id=id,
        time=receipt.time,
        scope="",
        reason="",
        sessions=0,
        events=0,
        messages=0,
        texts=0,
        key="",
        key_is_known=False,
        allows_again=False,
        erased=erased,
        receipt=receipt,
        is_lost=True,
    )


def _events(journal: Directory, type: str) -> Iterator[tuple[Event, bool]]:
    """Yield the events of a type, and whether each is of this machine."""
    for ref in list_segments(journal.lanes):
        for event in find_events(ref, type.encode())[0]:
            if event.session == FORGET and event.type == type:
                yield event, not is_mirror(ref.lane)


def _receipt(event: Event) -> Receipt:
    # another program may have written it: what has another kind counts as zero
    def number(name: str) -> int:
        value = event.data.get(name)
        return value if isinstance(value, int) else 0

    return Receipt(
        event.time,
        len(named_requests(event)),
        number("lines"),
        number("segments"),
        number("bytes"),
        number("generations"),
        number("unsearched"),
        number("started"),
        number("duration"),
    )
