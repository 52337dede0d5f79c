"""A sample of the step that damages what is projected and forgets sessions, and what it detects."""

from __future__ import annotations

import pytest

from projector.run import replace_showing
from tests.torture.steps.erasure import damaged

_LOSES = 11
"""A seed in which a session is forgotten after the lanes lost records of others."""


@pytest.mark.slow
def test_nothing_else_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    """What the lanes lost and the projection had is shown after each request to forget."""
    assert damaged.main(["--sample", "--seed", "1"]) == 0, capsys.readouterr().out


@pytest.mark.slow
def test_a_projection_that_is_removed_too_early_is_detected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the comparison with the old generation, the step names the lost messages."""
    monkeypatch.setattr(replace_showing, "_write_back", lambda *_: False)
    wrong = damaged.trouble(_LOSES)
    assert wrong is not None
    assert "lost [(" in wrong
