"""Checks that readers see no difference when what is deleted is forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from journal.format.event import Event
from journal.format.event_types import ERASURE_REQUESTED, FORGET
from projector.forgetting.deleted.find import Wanted, find_deleted
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

    from projector.forgetting.deleted.find import Deleted

_LATER = 1_000
"""An order behind those of all records."""


def check_deleted(random: Random, records: Sequence[Fact], folder: Path) -> int:
    """Forget what is deleted in a set of records, and compare what readers see.

    Then a lane arrives with a copy of each record: it must bring nothing back.

    Args:
        random: chooses for how long something must have been deleted.
        records: the records.
        folder: an empty folder to work in.

    Returns:
        How many events were forgotten.

    Raises:
        Diverged: readers see a difference.
    """
    before, found = _seen(folder / "before", records, random.choice([None, None, 5, 9, 12]))
    if not found.events:
        return 0
    hashes = [hashed("event", list(key)) for key in found.events]
    data = {"key": KEY.id, "events": hashes}
    request = Fact("request", 1, Event(FORGET, "deleted", ERASURE_REQUESTED, _LATER, _LATER, data))
    after, left = _seen(folder / "after", [*records, request], None)
    _compare("after the request", after, before)
    again = set(found.events) & set(left.events)
    if again:
        raise Diverged(f"after the request: {again} are still there")
    if any(fact.event.session == FORGET and "reach" in fact.event.data for fact in records):
        # what such a request forgets may come again, and a copy of it does
        return len(found.events)
    late = [
        Fact("late", seq, replace(fact.event, time=_LATER + seq, order=_LATER + seq))
        for seq, fact in enumerate(records, 1)
        if (fact.event.session, fact.event.type) != (FORGET, ERASURE_REQUESTED)
    ]
    later, _ = _seen(folder / "later", [*records, request, *late], None)
    _compare("with a lane of copies", later, before)
    return len(found.events)


def _seen(
    folder: Path, records: Sequence[Fact], before: int | None
) -> tuple[dict[str, Any], Deleted]:
    """Return what readers see of records, and what is deleted in them."""
    folder.mkdir()
    put_key(folder)
    write_plain(folder / "lanes", records)
    with Replaced(folder / "databases", folder / "lanes") as projection:
        projection.catch_up()
        return shown(projection.db, WORDS), find_deleted(projection.db, Wanted(before))


def _compare(when: str, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for what in wanted | found:
        if found.get(what) != wanted.get(what):
            raise Diverged(f"{when}: {what}: {found.get(what)!r} and not {wanted.get(what)!r}")
