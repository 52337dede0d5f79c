"""Checks that readers see no difference when what is deleted or replaced is forgotten."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any

from journal.format.event import Event
from journal.format.event_types import (
    ERASURE_REQUESTED,
    FORGET,
    KEY_DELETED,
    KEY_SET,
    MESSAGE_REVISED,
    SESSION_CREATED,
    SESSION_ENSURED,
    SESSION_REVISED,
    SESSION_TITLED,
    TRANSCRIPT_REPLACED,
    USAGE_SET,
)
from projector.forgetting.unneeded.deleted import Deleted, find_deleted
from projector.forgetting.unneeded.find import FoundUnneeded
from projector.forgetting.unneeded.replaced import Replaced as Values
from projector.forgetting.unneeded.replaced import find_replaced
from projector.forgetting.unneeded.wanted import Unneeded, Wanted
from projector.store.flush.loading import load
from projector.views.usage import UsageFilters, usage
from tests.support.arrangements import Diverged, Replaced, write_plain
from tests.support.forgetting.model import put_key
from tests.support.forgetting.texts import KEY, hashed
from tests.support.made_up import WORDS
from tests.support.projections import Fact
from tests.support.shown import shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

    import apsw

    from projector.views.usage import By

_LATER = 1_000
"""An order behind those of all records."""
_BY: tuple[By, ...] = ("session", "model", "day")
_REPLACING: dict[str, tuple[str, ...]] = {
    MESSAGE_REVISED: (MESSAGE_REVISED, MESSAGE_REVISED, TRANSCRIPT_REPLACED),
    SESSION_ENSURED: (SESSION_ENSURED, SESSION_REVISED),
}
"""Types of events that replace values of those of a type; for all others it is the same type."""
_VALUES = frozenset(
    (
        *(MESSAGE_REVISED, SESSION_CREATED, SESSION_ENSURED, SESSION_REVISED, SESSION_TITLED),
        *(KEY_SET, KEY_DELETED, USAGE_SET),
    )
)


def wanted_at_random(random: Random) -> Unneeded:
    """Choose what is forgotten: what is deleted, what was replaced or both, perhaps by age."""
    kinds = random.choice([(True, False), (False, True), (True, True)])
    ages = [random.choice([None, None, 5, 9, 12]) for _ in kinds]
    return Unneeded(*(Wanted(age) if kind else None for kind, age in zip(kinds, ages, strict=True)))


def with_replacements(random: Random, records: Sequence[Fact]) -> list[Fact]:
    """Add events that replace the values of others, most of them later ones.

    Few random values replace each other by themselves.
    """
    found = list(records)
    for number, fact in enumerate(records):
        event = fact.event
        if event.type not in _VALUES or random.random() < 0.3:
            continue
        data = dict(event.data)
        for other in random.sample(records, min(3, len(records))):
            if other.event.type == event.type and random.random() < 0.5:
                data = other.event.data | data
        if "content" in data or "title" in data:
            data["content" if "content" in data else "title"] = random.choice(WORDS)
        # one of ten has the key of another event, so that one of both is a conflict
        id = random.choice(records).event.id if random.random() < 0.1 else f"replacing{number}"
        type = random.choice(_REPLACING.get(event.type, (event.type,)))
        if type == TRANSCRIPT_REPLACED:
            data = {"messages": [data], "seen": {}}
        time = random.randint(1, 14)
        order = random.choice([event.order + random.randint(0, 4), time])
        last = max(other.seq for other in found if other.lane == fact.lane)
        found.append(Fact(fact.lane, last + 1, Event(event.session, id, type, time, order, data)))
    return found


def check_unneeded(records: Sequence[Fact], folder: Path, wanted: Unneeded) -> list[Fact]:
    """Forget what readers do not need of a set of records, and compare what they see.

    Then a lane arrives with a copy of each record: it must bring nothing back.

    Args:
        records: the records.
        folder: a folder to work in.
        wanted: what is forgotten.

    Returns:
        The request in a lane of its own; nothing if there is nothing to forget.

    Raises:
        Diverged: readers see a difference.
    """
    before, found = _seen(folder / "before", records, wanted)
    if not found.events:
        return []
    hashes = [hashed("event", list(key)) for key in found.events]
    data = {"key": KEY.id, "events": hashes}
    event = Event(FORGET, "unneeded", ERASURE_REQUESTED, _LATER, _LATER, data)
    request = Fact("request", 1, event)
    everything = Unneeded(wanted.deleted and Wanted(), wanted.replaced and Wanted())
    after, left = _seen(folder / "after", [*records, request], everything)
    _compare("after the request", after, before)
    again = set(found.events) & set(left.events)
    if again:
        raise Diverged(f"after the request: {again} are still there")
    if any(fact.event.session == FORGET and "reach" in fact.event.data for fact in records):
        # what such a request forgets may come again, and a copy of it does
        return [request]
    late = [
        Fact("late", seq, replace(fact.event, time=_LATER + seq, order=_LATER + seq))
        for seq, fact in enumerate(records, 1)
        if (fact.event.session, fact.event.type) != (FORGET, ERASURE_REQUESTED)
    ]
    later, _ = _seen(folder / "later", [*records, request, *late], everything)
    _compare("with a lane of copies", later, before)
    return [request]


def _seen(
    folder: Path, records: Sequence[Fact], wanted: Unneeded
) -> tuple[dict[str, Any], FoundUnneeded]:
    """Return what readers see of records, and what they do not need of them."""
    folder.mkdir()
    put_key(folder)
    write_plain(folder / "lanes", records)
    with Replaced(folder / "databases", folder / "lanes") as projection:
        projection.catch_up()
        db = projection.db
        return shown(db, WORDS) | _more(db, folder), _find(db, wanted)


def _find(db: apsw.Connection, wanted: Unneeded) -> FoundUnneeded:
    """Find what readers do not need, as `find_unneeded`, but also of the smallest values."""
    deleted = Deleted() if wanted.deleted is None else find_deleted(db, wanted.deleted)
    if wanted.replaced is None:
        return FoundUnneeded(deleted, Values())
    return FoundUnneeded(deleted, find_replaced(db, wanted.replaced, set(deleted.events), least=0))


def _more(db: apsw.Connection, journal: Path) -> dict[str, Any]:
    """Return what readers see beside sessions, messages and hits."""
    seen: dict[str, Any] = {}
    query = (
        "SELECT s.session, k.key, k.value, k.ord, l.uuid, k.seq FROM _keys k"
        " JOIN _sessions s ON s.id = k.session JOIN _lanes l ON l.id = k.lane_row"
        " WHERE k.value IS NOT NULL ORDER BY 1, 2"
    )
    seen["key-values"] = db.execute(query).fetchall()
    query = (
        "SELECT session, id, revised, original FROM all_messages"
        " WHERE state IN ('transcript', 'archived') ORDER BY session, id"
    )
    seen["revisions"] = db.execute(query).fetchall()
    for by in _BY:
        rows, total, _ = usage(db, by, UsageFilters())
        seen[f"usage by {by}"] = [astuple(row) for row in (*rows, total)]
    for (name,) in db.execute("SELECT session FROM _sessions WHERE messages").fetchall():
        flushed = load(db, str(name), journal)
        seen[f"transcript of {name!r}"] = (
            flushed.epoch,
            [astuple(replace(message, rank=(0, "", 0, 0))) for message in flushed.visible()],
        )
    return seen


def _compare(when: str, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for what in wanted | found:
        if found.get(what) != wanted.get(what):
            raise Diverged(f"{when}: {what}: {found.get(what)!r} and not {wanted.get(what)!r}")
