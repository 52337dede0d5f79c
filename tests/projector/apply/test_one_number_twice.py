"""Of two records of a lane with one number and order, the content decides, not the arrival."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from journal.format.event import Event
from projector.db.digest import digest
from projector.run.projector import Projector
from tests.support.projections import Fact, header, line, scratch, write_segment

if TYPE_CHECKING:
    from pathlib import Path

MESSAGE = ("m", "message.appended", {"role": "user", "content": "said"})
PAIRS: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "titles": [("a", "session.titled", {"title": "x"}), ("b", "session.titled", {"title": "y"})],
    "contents": [
        ("a", "message.appended", {"role": "x"}),
        ("a", "message.appended", {"role": "y"}),
    ],
    "types": [("a", "tool.used", {}), ("a", "session.titled", {"title": "y"})],
    "keys": [
        ("a", "key.set", {"key": "k", "value": 1}),
        ("b", "key.set", {"key": "k", "value": 2}),
    ],
    "revisions": [
        ("a", "message.revised", {"message": "m", "content": "1"}),
        ("b", "message.revised", {"message": "m", "content": "2"}),
    ],
    "ends": [("a", "session.ended", {"reason": "1"}), ("b", "session.ended", {"reason": "2"})],
}


@pytest.mark.parametrize("name", PAIRS)
def test_two_records_with_one_number_give_one_digest(tmp_path: Path, name: str) -> None:
    """Either sequence, in one batch or one by one, gives one digest."""
    fact = Fact("L1", 1, Event("s", MESSAGE[0], MESSAGE[1], 10**15, 10**15, MESSAGE[2]))
    facts = [
        Fact("L1", 2, Event("s", id, type, 10**15, 10**15, data)) for id, type, data in PAIRS[name]
    ]
    found = set()
    for number, order in enumerate(permutations(facts)):
        for pieces in (1, 2):
            lanes = tmp_path / f"{number}-{pieces}" / "lanes"
            write_segment(lanes, "1", 1, header("L1") + line(fact))
            with scratch(lanes.parent / "1.db") as db:
                for n in range(0, 2, 3 - pieces):
                    write_segment(lanes, "1", 1, b"".join(map(line, order[n : n + 3 - pieces])))
                    Projector(db, lanes).catch_up()
                found.add(digest(db))
    assert len(found) == 1
