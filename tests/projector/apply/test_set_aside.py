"""An event that cannot be applied is set aside alone, whatever fails and however it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apsw
import pytest

from journal import Journal
from journal.fs.directory import open_directory
from journal.segments.listing import list_segments
from projector.apply import applier as apply
from projector.apply import refold
from projector.db.checksums import vfs
from projector.fold import sessions as fold
from projector.projection import Projection
from projector.run.build import rebuild

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POISON = 666_000_666
"""A number whose digits no time, hash or id of another event has by chance."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder for a journal; the fold of the test differs, so a rebuild would differ, too."""
    return tmp_path / "journal"


def _fails(real: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function of the fold fail at an event that contains `POISON`."""

    def failing(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - stands in for anything
        if str(POISON) in str(arguments):
            raise OverflowError("int too big to convert")
        return real(*arguments, **named)

    return failing


SPOTS = {
    "where it is prepared": (apply, "spread"),
    "where it is applied": (apply, "register_other"),
    "where its session is folded again": (refold, "fold_usage"),
}


def _used(n: int, amount: int, type: str = "usage.set") -> dict[str, Any]:
    return {"session": "s", "id": f"u{n}", "type": type, "data": {"input_tokens": amount}}


def _quarantine(path: Path) -> list[tuple[str, int, int, str]]:
    def query(db: apsw.Connection) -> list[Any]:
        return db.execute("SELECT lane_folder, number, offset, reason FROM _quarantine").fetchall()

    with Projection.open(path) as projection:
        return projection.read(query)[0]


@pytest.mark.slow
@pytest.mark.parametrize("spot", SPOTS)
@pytest.mark.parametrize("when", ["in the first build", "later"])
def test_only_the_event_that_fails_is_missing(
    path: Path, monkeypatch: pytest.MonkeyPatch, spot: str, when: str
) -> None:
    """All other events are applied; the failed one is listed once, with place and reason."""
    module, name = SPOTS[spot]
    monkeypatch.setattr(module, name, _fails(getattr(module, name)))
    type = "usage.added" if name == "register_other" else "usage.set"
    with Journal.open(path) as journal, Projection.open(path) as projection:
        journal.append_message("s", "user", "before", id="m1")
        if when == "later":
            assert [m.id for m in projection.messages("s")] == ["m1"]
        before = journal.append_many([_used(1, 5), _used(2, POISON, type)])
        journal.append_many([_used(3, 7, "usage.added")])
        journal.append_message("s", "user", "behind", id="m2")
        assert [m.id for m in projection.messages("s")] == ["m1", "m2"]
        assert projection.session("s").usage == {"input_tokens": 12}
        assert [hit.id for hit in projection.search("behind").hits] == ["m2"]
        ((folder, number, offset, reason),) = _quarantine(path)
        assert (folder, number) == ("1", 1)
        (ref,) = list_segments(path / "lanes")
        raw = ref.path.read_bytes()
        assert raw.index(b'"id":"u2"') > offset >= raw.index(b'"id":"u1"')
        assert raw[offset : offset + 8] == b'{"crc":"'
        assert reason == "OverflowError: int too big to convert"
        assert len(before) == 2
        digest = projection.digest()
        rebuild(open_directory(path))
        assert projection.digest() == digest
        assert _quarantine(path) == [(folder, number, offset, reason)]
        # the careful mode is over: the next events are applied in a block again
        journal.append_message("s", "user", "the last", id="m3")
        assert len(projection.messages("s")) == 3


def test_two_events_that_fail_only_together(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build sets one of the two aside and applies all others."""
    real = fold.fold_usage

    def failing(events: Any) -> dict[str, int]:  # noqa: ANN401 - stands in
        given = list(events)
        totals = real(given)
        if totals.get("input_tokens") == 5 and totals.get("output_tokens") == 7:
            raise RuntimeError("never 5 and 7")
        return totals

    monkeypatch.setattr(refold, "fold_usage", failing)
    with Journal.open(path) as journal, Projection.open(path) as projection:
        journal.append_many([_used(1, 5)])
        journal.append(session="s", id="u2", type="usage.set", data={"output_tokens": 7})
        journal.append_message("s", "user", "behind", id="m2")
        assert [m.id for m in projection.messages("s")] == ["m2"]
        ((*_, reason),) = _quarantine(path)
        assert reason == "RuntimeError: never 5 and 7"


def test_a_database_with_damaged_rows_is_rebuilt(path: Path) -> None:
    """An error that damaged rows cause sets no event aside; the projection is rebuilt."""
    with Journal.open(path) as journal, Projection.open(path) as projection:
        journal.append_many([_used(1, 5)])
        journal.append_message("s", "user", "before", id="m1")
        assert len(projection.messages("s")) == 1

        db = apsw.Connection(projection.read(lambda db: str(db.filename))[0], vfs=vfs())
        db.execute("UPDATE _events SET other_fields = 'no JSON' WHERE event_id = 'u1'")
        db.close()
        journal.append_many([_used(2, 7)])
        assert projection.session("s").usage == {"input_tokens": 7}
        assert _quarantine(path) == []
