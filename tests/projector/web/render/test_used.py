"""What a step used: the tokens and the cost of the call of the API that a message answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from journal import Journal
from projector import Projection
from projector.views.billing.calls import session_calls
from projector.web.formats import fine_money
from tests.projector.web.served import served

if TYPE_CHECKING:
    from pathlib import Path

_BEGIN = 1_700_000_000_000_000


def _write(path: Path) -> None:
    """Write a session with two messages of one call, one of another, and a call of none."""
    with Journal.open(path) as journal:
        for id, call, tokens in (("a1", "c1", 0), ("a1-more", "c1", 120), ("a2", None, 0)):
            extra = {} if call is None else {"api_message_id": call}
            journal.append_message(
                "s", "assistant", "x", id=id, token_count=tokens, timestamp=_BEGIN, extra=extra
            )
        first = {"input_tokens": 1_000, "cache_read_tokens": 500, "actual_cost": 0.02, "call": "c1"}
        for used in (
            # a call that is written twice counts once, by the greatest figures
            {**first, "output_tokens": 30},
            {**first, "output_tokens": 70},
            {"input_tokens": 10, "call": "a2", "model": "nobody-1"},
            {"input_tokens": 10, "call": "elsewhere"},
        ):
            data = {**used, "timestamp": _BEGIN}
            journal.append(session="s", type="usage.added", data=data)


def test_a_step_knows_what_its_call_used(tmp_path: Path) -> None:
    """By the id of the message or of the call in it; once, and unknown prices are unknown."""
    path = tmp_path / "journal"
    _write(path)
    with served(path) as viewer:
        steps = json.loads(viewer.get("/session.json?id=s").body)["steps"]
        page = viewer.get("/session?id=s").text
        tail = viewer.get("/session/tail?id=s&from=a1").text
    known = {"input_tokens": 1_500, "cache_read_tokens": 500, "output_tokens": 70, "cost": 20_000}
    unknown = {"input_tokens": 10, "cache_read_tokens": 0, "output_tokens": None, "cost": None}
    assert steps == {"a1": known, "a2": unknown}
    for text in (page, tail):
        assert text.count("1,500 → 70") == 1
        assert '<span title="cost of the call">$0.020</span>' in text
        assert "10 → ?" in text
        assert text.count("no price of the call is known") == 1
        assert "120 tok" not in text  # the call has counted them


def test_some_calls_are_those_among_all(tmp_path: Path) -> None:
    """A total that is set later leaves nothing of the calls before, as in the sums."""
    path = tmp_path / "journal"
    _write(path)
    with Projection.open(path) as projection:
        every = projection.read(lambda db: session_calls(db, "s"))[0]
        some = projection.read(lambda db: session_calls(db, "s", ["c1", "x"]))[0]
        assert some == [call for call in every if call.id == "c1"]
        assert len(every) == 3
        with Journal.open(path) as journal:
            data = {"input_tokens": 1, "output_tokens": 1}
            journal.append(session="s", type="usage.set", data=data)
        (rest,) = [
            call
            for call in projection.read(lambda db: session_calls(db, "s", ["c1"]))[0]
            if call.id == "c1"
        ]
        assert "input_tokens" not in rest.amounts
        assert rest.amounts["cache_read_tokens"] == 500


def test_costs_of_calls_have_digits_that_count() -> None:
    """A call costs less than a cent often."""
    costs = (0, 20, 100, 4_200, 20_000, 99_999, 100_000, 12_345_678)
    shown = [fine_money(cost) for cost in costs]
    assert shown == [
        "$0.00",
        "<$0.0001",
        "$0.0001",
        "$0.0042",
        "$0.020",
        "$0.100",
        "$0.10",
        "$12.35",
    ]
