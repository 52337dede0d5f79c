"""A sample of the step of unreliable transcripts, and what it does to a credulous importer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from journal.importers.claude_code import rewinds as claude_code_rewinds
from journal.importers.files.torn import Parts
from journal.importers.parsing import file_order, reused_ids
from journal.importers.run import tail
from tests.torture.steps import transcripts

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_sample_of_unreliable_transcripts_reads_as_it_stands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each message once, in the file's order, and what was taken back is only found."""
    assert transcripts.main(["--sample"]) == 0
    assert "transcripts: seeds 0 to 11: 24 in " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("place", "name", "instead"),
    [
        (reused_ids.ReusedIds, "key_of", lambda _self, _session, own, _data: own),
        (file_order.FileOrder, "take", lambda _self, _found: iter(())),
        (claude_code_rewinds.Rewinds, "take", lambda _self, _line, _value: []),
        (tail, "parts_of", lambda raw, _is_line: Parts([], len(raw))),
    ],
)
def test_an_importer_that_believes_its_source_is_caught(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: object,
    name: str,
    instead: Callable[..., Any],
) -> None:
    """A step that cannot fail proves nothing: without each rule a seed fails and is named."""
    monkeypatch.setattr(place, name, instead)
    assert transcripts.main(["--seeds", "30"]) == 1
    assert "again: python -m tests.torture.steps.transcripts --seed " in capsys.readouterr().out
