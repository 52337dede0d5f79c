"""A sample of the step that plants secrets, and faults of redaction that it detects."""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from journal.format.keyed_hash import Key
from journal.importers.run.known.forms import Forms
from journal.redact import marks, redactor, values
from projector.apply import conflicts
from tests.torture.redaction.checks import Done, Wrong
from tests.torture.redaction.reread import Reread
from tests.torture.steps.redaction import planted

if TYPE_CHECKING:
    from pathlib import Path

    from journal.redact.scanner import Hit


def test_no_planted_secret_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    """Appended, imported and exported files contain none, and no other value is changed."""
    assert planted.main(["--sample", "--seed", "1"]) == 0, capsys.readouterr().out
    found = re.search(r"([\d,]+) redacted events with ([\d,]+) marks", capsys.readouterr().out)
    assert found is not None
    assert int(found[1].replace(",", "")) >= 60


def _more(text: str, hits: list[Hit], key: Key) -> str:
    return marks.replace(text, hits, key).replace("alpha", "beta")


_hash = Key.hash


def _wrong_digits(self: Key, kind: Any, value: Any) -> str:  # noqa: ANN401 - as `hash`
    return "0" * 32 if kind == "secret" else _hash(self, kind, value)


@pytest.mark.parametrize(
    ("where", "name", "sabotage", "expected"),
    [
        (values, "_REDACTED", values._REDACTED - {"reasoning"}, "secrets were written"),
        (redactor, "redact_json", lambda text, _new, _redact: text, "are found"),
        (redactor, "replace", _more, r"\.\w+ was .* and is "),
        (Key, "hash", _wrong_digits, r"\.\w+ was .* and is "),
        (conflicts, "is_same", lambda one, two: one.data == two.data, "conflicts"),
    ],
    ids=["a field", "JSON in a string", "more than secrets", "digits", "equality"],
)
def test_a_wrong_redaction_is_detected(
    monkeypatch: pytest.MonkeyPatch, where: object, name: str, sabotage: object, expected: str
) -> None:
    """Another check detects each of these faults."""
    monkeypatch.setattr(where, name, sabotage)
    found = (planted.trouble(seed, Done()) for seed in range(5))
    assert re.search(expected, next(filter(None, found), ""))


@pytest.mark.parametrize(
    ("name", "sabotage"),
    [("clear", lambda _self, event: [event]), ("redacted", lambda _self, _event: [])],
    ids=["forgotten parts", "marks"],
)
def test_a_source_that_is_appended_again_is_detected(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, sabotage: object
) -> None:
    """The import looks for events only as they were, or only by their originals."""
    monkeypatch.setattr(Forms, name, sabotage)
    with pytest.raises(Wrong, match=r"again|the import gives"):  # noqa: PT012 - some seeds do not
        for seed in range(7, 27):
            folder = tmp_path / str(seed)
            folder.mkdir()
            Reread(folder, Random(seed), "branched").run()
