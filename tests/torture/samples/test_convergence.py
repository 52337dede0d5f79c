"""A sample of the convergence step, and faults that it detects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import journal.erasure.files.joining
import journal.erasure.naming
import projector.apply.conflicts
import projector.apply.message_order
import projector.run.hiding
import projector.run.ingest
from tests.torture.steps import convergence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import FileIO

    from journal.erasure.files.joining import Sound
    from projector.run.watermark import Mark

_joined = journal.erasure.files.joining._content


def test_random_sets_of_events_converge(capsys: pytest.CaptureFixture[str]) -> None:
    """Every arrangement of a set of events gives the content of the model."""
    assert convergence.main(["--sample", "--seed", "100000", "--workers", "1"]) == 0
    printed = capsys.readouterr().out
    assert "convergence: seeds 100000 to 100049: 50 sets of events" in printed
    for type in ("message.appended", "message.revised", "session.ended", "tool.used"):
        assert f" {type}" in printed


def test_a_projection_that_depends_on_the_order_of_arrival_is_detected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one fault in the fold, the step fails and prints the smallest set of events."""
    monkeypatch.setattr(projector.apply.conflicts, "_merge", lambda *_, **__: None)
    assert convergence.main(["--seed", "134", "--seeds", "1", "--workers", "1"]) == 1
    printed = capsys.readouterr().out
    assert "FAILED seed " in printed
    events = [line for line in printed.splitlines() if line.startswith("  Fact(")]
    assert 2 <= len(events) <= 5
    assert "again: python -m tests.torture.steps.convergence --seed " in printed


def test_contents_that_are_not_compared_again_are_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    """If another event comes into force and contents are not compared again, the step fails."""
    monkeypatch.setattr(projector.apply.conflicts, "_compare_again", lambda *_: None)
    assert convergence.run([117]).failed
    assert any(fact.event.redacted is not None for fact in convergence.facts_of(117))


def test_values_of_messages_that_are_not_looked_for_again_are_detected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If the first message with a branch is another one now, and the session keeps the old one."""
    monkeypatch.setattr(projector.apply.message_order, "note_order", lambda *_: None)
    assert convergence.run([3]).failed


def _stops_never(*_: object) -> bool:
    return False


def _skips_one_more(before: Mark, *_: object) -> int:
    return max(before.numbers, before.known) + 1


def _names_no_message(*_: object) -> Iterator[str]:
    yield from ()


@pytest.mark.parametrize(
    ("where", "name", "sabotage", "first"),
    [
        (projector.run.hiding.Hiding, "stops", _stops_never, 0),
        (projector.run.ingest, "known_numbers", _skips_one_more, 284),
        (journal.erasure.naming, "message_hashes", _names_no_message, 0),
    ],
)
def test_wrong_forgetting_is_detected(
    monkeypatch: pytest.MonkeyPatch, where: object, name: str, sabotage: object, first: int
) -> None:
    """A request that hides only later events, a lost event behind an erased one, a shown fork."""
    monkeypatch.setattr(where, name, sabotage)
    assert any(convergence.run([seed]).failed for seed in range(first, first + 120, 2))


def _lacks_the_last(group: Sequence[Sound], files: Sequence[FileIO]) -> Iterator[bytes]:
    yield from list(_joined(group, files))[:-1]


def _knows_one_more(before: Mark, *_: object) -> int:
    return before.numbers + 3


@pytest.mark.parametrize(
    ("where", "name", "sabotage"),
    [
        (journal.erasure.files.joining, "_content", _lacks_the_last),
        (projector.run.ingest, "known_numbers", _knows_one_more),
    ],
)
def test_joined_segments_that_lose_an_event_are_caught(
    monkeypatch: pytest.MonkeyPatch, where: object, name: str, sabotage: object
) -> None:
    """A joined segment that lacks a segment, and a projector that skips what it has not read."""
    monkeypatch.setattr(where, name, sabotage)
    assert any(convergence.run([seed]).failed for seed in range(5, 65, 2))
