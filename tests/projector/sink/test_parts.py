"""A sink of a journal that is projected in parts, and not as a whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from projector import Projection, SessionStore
from projector.db.generations import is_in_parts
from tests.projector.sink.running import in_journal, run
from tests.support.programs import clickhouse

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clickhouse")]
_PARTS = ("1/2", "2/2")


@pytest.fixture
def in_parts(journal_dir: Path, table: str) -> str:
    """A journal with sessions in both parts; the name of its table."""
    with SessionStore.open(journal_dir) as store:
        for number in range(12):
            store.append(f"s{number}", "user", f"hello {number}")
    for part in _PARTS:
        with Projection.open(journal_dir, part=part) as projection:
            projection.catch_up()
    assert is_in_parts(journal_dir)
    return table


def _send(journal_dir: Path) -> None:
    for part in _PARTS:
        done = run(journal_dir, "sink", "run", "--once", "--part", part)
        assert done.exit_code == 0, done.stderr


def test_all_parts_are_compared(journal_dir: Path, in_parts: str) -> None:
    """A document that is missing or more makes them differ; no whole projection is built."""
    _send(journal_dir)
    found = run(journal_dir, "sink", "verify", "--json")
    assert found.exit_code == 0, found.stdout
    counted = json.loads(found.stdout)
    assert (counted["equal"], counted["documents"], counted["sink_documents"]) == (True, 12, 12)
    assert is_in_parts(journal_dir)
    clickhouse.run(
        f"ALTER TABLE {in_parts} DELETE WHERE session = 's3' SETTINGS mutations_sync = 2"
    )
    found = run(journal_dir, "sink", "verify")
    assert found.exit_code == 5
    assert found.stdout == "DIFFERENT: 12 documents in the projection, 11 in the sink\n"


def test_what_was_forgotten_is_pending_until_each_part_has_sent(
    journal_dir: Path, in_parts: str
) -> None:
    """The receipt and the comparisons say the same."""
    del in_parts
    _send(journal_dir)
    assert in_journal(journal_dir, "forget", "s3", "--yes").exit_code in (0, 7)
    _send(journal_dir)
    for part in _PARTS:
        found = run(journal_dir, "sink", "verify", "--json", "--part", part)
        assert json.loads(found.stdout)["forgotten"] == "removed"
    assert "removed from the sink" in in_journal(journal_dir, "erasures").stdout


def test_a_drainer_without_a_part_is_refused(journal_dir: Path, in_parts: str) -> None:
    """It would build a whole projection, and searches would ask that one from then on."""
    del in_parts
    done = run(journal_dir, "sink", "run", "--once")
    assert done.exit_code == 2
    assert "--part 1/2" in done.stderr
    assert is_in_parts(journal_dir)
