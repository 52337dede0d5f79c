"""A sample of the step that forgets planted words, and faults that it detects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from journal.erasure.eraser import erase
from journal.erasure.requests import Forgotten
from projector.forgetting import finish, mentions, plan
from tests.torture.steps.erasure import forgotten

if TYPE_CHECKING:
    from journal.erasure.eraser import Report


@pytest.mark.slow
def test_no_word_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing of forgotten sessions is in a file, whatever comes back, and all else is there."""
    assert forgotten.main(["--sample", "--seed", "1"]) == 0, capsys.readouterr().out
    assert "no word left" in capsys.readouterr().out


def _erase_nothing(journal: Any, _: Forgotten, **more: Any) -> Report:  # noqa: ANN401 - as `erase`
    return erase(journal, Forgotten(()), **more)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "name", "sabotage"),
    [
        (finish, "erase", _erase_nothing),
        (plan, "usage_repeats", lambda *_: []),
        (mentions, "keys", lambda *_: ()),
    ],
    ids=["lanes", "usage of a fork", "key-values"],
)
def test_what_is_left_is_detected(
    monkeypatch: pytest.MonkeyPatch, where: object, name: str, sabotage: object
) -> None:
    """Each of these faults leaves a word, and the step names the file."""
    monkeypatch.setattr(where, name, sabotage)
    wrong, _ = forgotten.trouble(1)
    assert wrong is not None
    assert "after forget: " in wrong
    assert " words are left, such as " in wrong
