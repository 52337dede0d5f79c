"""A sample of the step that flushes random conversations, and faults that it detects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from projector.store.flush import flushing, reconcile
from projector.store.flush.matching import pairing
from tests.torture.steps import flush

if TYPE_CHECKING:
    from collections.abc import Callable


def test_random_conversations_are_flushed_as_the_rule_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever changes in a list, each message is in the transcript once, in order."""
    assert flush.main(["--sample", "--seed", "100000"]) == 0
    printed = capsys.readouterr().out
    assert "flush: seeds 100000 to 100011: 12 conversations" in printed
    assert printed.rstrip().endswith("0 broke the rule")


def _hide_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing.Pairing, "is_free", lambda _, j, used: j not in used)


def _keep_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile._Reconciliation, "_hidden", lambda _: [])


def _make_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flushing, "arrange", lambda *_: {})


def _pair_only_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "align", lambda *_: [])


def _double_what_is_reordered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing.Pairing, "_find_reordered", lambda _: None)


def _forget_what_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    listing = flushing._listing

    def without(session: str, type: str, *args: object) -> object:
        return () if type == "message.restored" else listing(session, type, *args)  # type: ignore[arg-type] # as given

    monkeypatch.setattr(flushing, "_listing", without)


@pytest.mark.parametrize(
    "fault",
    [
        _hide_all,
        _keep_all,
        _make_no_room,
        _pair_only_the_beginning,
        _double_what_is_reordered,
        _forget_what_comes_back,
    ],
)
def test_a_broken_flush_is_detected(
    fault: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each fault of flush is reported with its seed."""
    fault(monkeypatch)
    assert flush.main(["--seed", "0", "--seeds", "60"]) == 1
    printed = capsys.readouterr().out
    assert "FAILED seed " in printed
    assert "again: python -m tests.torture.steps.flush --seed " in printed
