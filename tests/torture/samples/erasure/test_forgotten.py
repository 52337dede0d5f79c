"""A sample of the step that forgets planted words, and faults that it detects."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from journal.erasure import hashes, naming
from journal.erasure.eraser import erase
from journal.erasure.hashes import message_hashes
from journal.erasure.requests import Forgotten
from projector.forgetting import finish, mentions, plan
from tests.support.redaction.planted_secrets import planted_secrets
from tests.torture.redaction.checks import Wrong
from tests.torture.redaction.replayed import Replays
from tests.torture.steps.erasure import forgotten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from journal.erasure.eraser import Report
    from journal.format.keyed_hash import Key
    from journal.format.redacted import Redacted


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


def _only_as_written(
    key: Key, id: str, data: Mapping[str, object], _: Redacted | None = None
) -> Iterator[str]:
    yield from message_hashes(key, id, data)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "name", "sabotage", "seed"),
    [
        (naming, "message_hashes", _only_as_written, 70),
        (hashes, "without_marks", lambda value: value, 9),
    ],
    ids=["the content in clear", "the digits of marks"],
)
def test_what_arrives_again_is_detected(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    where: object,
    name: str,
    sabotage: object,
    seed: int,
) -> None:
    """With each of these faults a forgotten message with a secret is imported again.

    A seed shows it if it draws a secret that one import redacts and another does not: of 120 seeds
    7 show the first fault.
    """
    monkeypatch.setattr(where, name, sabotage)
    with pytest.raises(Wrong, match=r"repeat it; the plan names|stored .* written|is shown"):
        Replays(tmp_path, Random(seed), planted_secrets(seed)).run()
