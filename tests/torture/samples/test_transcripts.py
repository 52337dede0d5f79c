"""A sample of the step of unreliable transcripts, and faults of an importer that it detects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from journal.importers.claude_code import rewinds as claude_code_rewinds
from journal.importers.files.torn import Parts
from journal.importers.parsing import file_order, reused_ids
from journal.importers.run.lines import items
from tests.torture.steps import transcripts

if TYPE_CHECKING:
    from collections.abc import Callable


def test_unreliable_transcripts_are_read_in_order(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each message is imported once, in the file's order; removed ones are only found."""
    assert transcripts.main(["--sample"]) == 0
    assert "transcripts: seeds 0 to 11: 24 in " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("place", "name", "instead"),
    [
        (reused_ids.ReusedIds, "key_of", lambda _self, _session, own, _data: own),
        (file_order.FileOrder, "take", lambda _self, _found: iter(())),
        (claude_code_rewinds.Rewinds, "take", lambda _self, _line, _value: []),
        (items, "parts_of", lambda raw, _is_line: Parts([], len(raw))),
    ],
)
def test_an_importer_without_a_rule_is_detected(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: object,
    name: str,
    instead: Callable[..., Any],
) -> None:
    """Without each of the rules, a seed fails and is named."""
    monkeypatch.setattr(place, name, instead)
    assert transcripts.main(["--seeds", "30"]) == 1
    assert "again: python -m tests.torture.steps.transcripts --seed " in capsys.readouterr().out
