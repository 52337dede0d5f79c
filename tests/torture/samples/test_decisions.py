"""A sample of decisions beside rebuilds under wrong clocks, and tests of the checker."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.skewed import FIRST, LAST, SkewedClock
from tests.torture.linear.history import Call, Scribe, calls_of
from tests.torture.linear.models import judge
from tests.torture.linear.rounds import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the step make its files in the test's folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_a_few_seconds_of_decisions_under_wrong_clocks_are_linearizable() -> None:
    """Processes decide, are stopped and killed beside rebuilds; one order explains each answer."""
    counts, faults = run(5, 5, None)
    assert faults == []
    assert sum(n for what, n in counts.items() if what.endswith(("granted", "answered"))) > 10


@pytest.mark.parametrize("sabotage", ["arbiter", "frontier"])
def test_the_step_fails_under_every_sabotage(sabotage: str) -> None:
    """Without the lock, or with only the own clock, the step finds a wrong decision."""
    for seed in range(8):
        _, faults = run(seed, 4, sabotage)
        if any("no order of the calls" in fault for fault in faults):
            return
    pytest.fail("32 seconds of sabotage were not noticed")


LOST = object()
KEY = "key 1"
CLAIM = "claim 1"
TITLE = "title t"
LONG = 10**9
"""Microseconds of a claim that does not expire in a history."""
SECOND = 10**9
Answered = tuple[str, str, tuple[Any, ...], Any, float, float]


def calls(*answered: Answered) -> list[Call]:
    """Return calls of (thing, what, given, got, began, ended), in seconds; `LOST` were killed."""
    return [
        Call(
            thing,
            what,
            given,
            None if got is LOST else got,
            round(began * SECOND),
            round(ended * SECOND),
            lost=got is LOST,
        )
        for thing, what, given, got, began, ended in answered
    ]


GOOD: dict[str, list[Answered]] = {
    "calls that overlap take effect in either order": [
        (KEY, "compare", (None, "a"), True, 0, 2),
        (KEY, "compare", (None, "c"), False, 1, 3),
        (KEY, "compare", ("a", "b"), True, 1, 4),
        (KEY, "get", (), "a", 1, 4),
    ],
    "a call that began earlier takes effect later": [
        (KEY, "compare", ("a", "b"), True, 0, 9),
        (KEY, "compare", (None, "a"), True, 1, 2),
        (KEY, "swap", ("a",), "b", 3, 10),
        (KEY, "compare", ("a", "c"), True, 4, 11),
        (KEY, "get", (), "c", 12, 13),
    ],
    "a lost call had its effect": [
        (KEY, "compare", (None, "a"), LOST, 0, 5),
        (KEY, "get", (), None, 1, 2),
        (KEY, "get", (), "a", 3, 4),
        (KEY, "swap", ("b",), LOST, 6, 7),
        (KEY, "get", (), "b", 8, 9),
    ],
    "a lost call had none": [
        (KEY, "set", ("a",), LOST, 0, 1),
        (KEY, "compare", (None, "b"), True, 2, 3),
    ],
    "a claim is given up and claimed": [
        (CLAIM, "claim", ("t1", LONG), 1, 0, 1),
        (CLAIM, "claim", ("t2", LONG), None, 0, 1),
        (CLAIM, "claim", ("t3", LONG), 2, 2, 5),
        (CLAIM, "release", (1,), True, 3, 4),
        (CLAIM, "release", (1,), False, 6, 7),
        (CLAIM, "holder", (), 2, 6, 7),
    ],
    "a claim runs out": [
        (CLAIM, "claim", ("t1", 3_000_000), 1, 0, 1),
        (CLAIM, "renew", (1, "t2", 2_000_000), True, 2, 3),
        (CLAIM, "holder", (), 1, 3.9, 3.95),
        (CLAIM, "claim", ("t3", 1_000_000), 2, 4.5, 4.6),
        (CLAIM, "renew", (1, "t4", LONG), False, 4.7, 4.8),
        (CLAIM, "holder", (), 0, 5.7, 5.8),
    ],
    "a claim that runs out within its own call": [
        (CLAIM, "claim", ("t1", 1_000_000), 1, 0, 9),
        (CLAIM, "claim", ("t2", LONG), 2, 5, 6),
    ],
    "a lost claim was granted, and runs out": [
        (CLAIM, "claim", ("t1", 2_000_000), LOST, 0, 1),
        (CLAIM, "claim", ("t2", LONG), None, 2, 2.5),
        (CLAIM, "claim", ("t2", LONG), 2, 3, 4),
    ],
    "a title has one session": [
        (TITLE, "title", ("a",), "a", 0, 1),
        (TITLE, "title", ("b",), "a", 0, 1),
        (TITLE, "title", ("a",), "a", 2, 3),
    ],
}

BAD: dict[str, list[Answered]] = {
    "two replaced one value": [
        (KEY, "compare", (None, "a"), True, 0, 1),
        (KEY, "compare", (None, "b"), True, 0, 1),
    ],
    "a value was replaced that was never there": [(KEY, "compare", ("x", "a"), True, 0, 1)],
    "a value was replaced before it was there": [
        (KEY, "compare", ("b", "a"), True, 0, 1),
        (KEY, "compare", (None, "b"), True, 2, 3),
    ],
    "refused although the value was equal": [
        (KEY, "compare", (None, "a"), True, 0, 1),
        (KEY, "compare", ("a", "b"), False, 2, 3),
    ],
    "an old value was read": [
        (KEY, "set", ("a",), None, 0, 1),
        (KEY, "set", ("b",), None, 2, 3),
        (KEY, "get", (), "a", 4, 5),
    ],
    "two read in different orders": [
        (KEY, "set", ("a",), None, 0, 9),
        (KEY, "set", ("b",), None, 0, 9),
        (KEY, "get", (), "a", 1, 2),
        (KEY, "get", (), "b", 3, 4),
        (KEY, "get", (), "a", 5, 6),
    ],
    "a write vanished behind a lost one that was not seen": [
        (KEY, "set", ("a",), LOST, 0, 1),
        (KEY, "set", ("b",), None, 2, 3),
        (KEY, "get", (), "a", 4, 5),
    ],
    "two swapped the same": [
        (KEY, "swap", ("a",), None, 0, 1),
        (KEY, "swap", ("b",), None, 0, 1),
    ],
    "a token was given twice": [
        (CLAIM, "claim", ("t1", 1_000_000), 1, 0, 1),
        (CLAIM, "claim", ("t2", LONG), 1, 3, 4),
    ],
    "a token was smaller than one before": [
        (CLAIM, "claim", ("t1", LONG), 2, 0, 1),
        (CLAIM, "release", (2,), True, 2, 3),
        (CLAIM, "claim", ("t2", LONG), 1, 4, 5),
    ],
    "two held a thing at once": [
        (CLAIM, "claim", ("t1", LONG), 1, 0, 1),
        (CLAIM, "claim", ("t2", LONG), 2, 2, 3),
    ],
    "a claim ran out too early": [
        (CLAIM, "claim", ("t1", 3_000_000), 1, 1, 2),
        (CLAIM, "claim", ("t2", LONG), 2, 3, 3.9),
    ],
    "a claim did not run out": [
        (CLAIM, "claim", ("t1", 1_000_000), 1, 0, 1),
        (CLAIM, "claim", ("t2", LONG), None, 2.1, 3),
    ],
    "a renewal was forgotten": [
        (CLAIM, "claim", ("t1", 1_000_000), 1, 0, 0.5),
        (CLAIM, "renew", (1, "t2", 5_000_000), True, 0.6, 0.7),
        (CLAIM, "claim", ("t3", LONG), 2, 3, 4),
    ],
    "a holder got the answer that it holds nothing": [
        (CLAIM, "claim", ("t1", LONG), 1, 0, 1),
        (CLAIM, "release", (1,), False, 2, 3),
    ],
    "a late holder renewed what another has": [
        (CLAIM, "claim", ("t1", 1_000_000), 1, 0, 1),
        (CLAIM, "claim", ("t2", LONG), 2, 3, 4),
        (CLAIM, "renew", (1, "t3", LONG), True, 5, 6),
    ],
    "refused although it had no holder": [
        (CLAIM, "claim", ("t1", LONG), 1, 0, 1),
        (CLAIM, "release", (1,), True, 2, 3),
        (CLAIM, "claim", ("t2", LONG), None, 4, 5),
    ],
    "a title has two sessions": [
        (TITLE, "title", ("a",), "a", 0, 1),
        (TITLE, "title", ("b",), "b", 0, 1),
    ],
    "a session has a title that it never got": [
        (TITLE, "title", ("a",), "a", 0, 1),
        (TITLE, "title", ("c",), "b", 2, 3),
    ],
}


@pytest.mark.parametrize("answered", GOOD.values(), ids=GOOD)
def test_answers_that_one_order_explains_are_no_fault(answered: list[Answered]) -> None:
    """Any answers that a single process could get are right; killed calls may count or not."""
    assert judge(calls(*answered)) == []


@pytest.mark.parametrize("answered", BAD.values(), ids=BAD)
def test_an_answer_that_no_order_explains_is_a_fault(answered: list[Answered]) -> None:
    """Answers to two concurrent calls must be possible one after the other."""
    [fault] = judge(calls(*answered))
    assert "no order of the calls explains" in fault


def _histories(random: Random) -> list[Call]:
    """Make a history of a key: calls take effect one by one, at a moment within each."""
    made, value = [], None
    for at in range(40):
        new = f"v{at}"
        began, ended = at - random.random() * 4, at + random.random() * 4
        answered: Answered = (KEY, "get", (), value, began, ended)
        if random.random() < 0.6:
            answered = (KEY, "swap", (new,), LOST if random.random() < 0.1 else value, began, ended)
            value = new
        made.append(answered)
    return calls(*made)


@pytest.mark.parametrize("seed", range(20))
def test_a_history_is_explained_and_a_wrong_answer_is_found(
    seed: int,
) -> None:
    """A history with many open calls is explained; an answer that was never written is not."""
    history = _histories(Random(seed))
    assert judge(history) == []
    wrong = Call(KEY, "get", (), "never written", history[20].began, history[20].ended)
    assert judge([*history, wrong])


def test_the_last_call_of_a_killed_process_is_read_as_lost(tmp_path: Path) -> None:
    """A call without an answer is lost: it ended with its process, with or without effect."""
    scribe = Scribe(tmp_path / "calls")
    assert scribe.call(KEY, "get", (), lambda: "a") == "a"
    with pytest.raises(ZeroDivisionError):
        scribe.call(KEY, "set", ("b",), lambda: 1 // 0)
    first, second = calls_of(tmp_path / "calls", 10**19)
    assert (first.what, first.got, first.lost) == ("get", "a", False)
    assert first.began <= first.ended <= second.began
    assert (second.what, second.given, second.lost, second.ended) == ("set", ("b",), True, 10**19)


def test_a_skewed_clock_is_wrong_by_years_and_set_back() -> None:
    """The clock stays within the possible years of events, and also goes backward."""
    now = 1_790_000_000 * SECOND
    clock = SkewedClock(Random(3), lambda: now)
    shown = [clock() for _ in range(2_000)]
    assert min(shown) >= FIRST
    assert max(shown) <= LAST
    assert max(shown) - min(shown) > 50 * 365 * 86_400 * SECOND
    assert any(later < earlier for earlier, later in pairwise(shown))
