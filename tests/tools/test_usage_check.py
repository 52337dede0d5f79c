"""The independent count of usage agrees with an import."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tools import usage_check

if TYPE_CHECKING:
    from pathlib import Path


def _line(call: str, output: int) -> str:
    """Write a line of Claude Code that a call of the API has given."""
    usage = {"input_tokens": 3, "output_tokens": output, "cache_read_input_tokens": 10}
    body = {"id": call, "role": "assistant", "content": "x", "model": "m-1", "usage": usage}
    about = {"type": "assistant", "sessionId": "s1", "timestamp": "2026-01-01T10:00:00Z"}
    return json.dumps({**about, "uuid": f"{call}-{output}", "message": body})


@pytest.mark.slow
def test_usage_equals_a_plain_count_over_the_raw_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A call on several lines counts once in both; a difference is an error."""
    lines = [_line("c1", 1), _line("c1", 20), _line("c2", 5)]
    (tmp_path / "s1.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert usage_check.main([str(tmp_path)]) == 0
    assert "25" in capsys.readouterr().out
    found = usage_check.imported([tmp_path])
    found["claude-code"]["output_tokens"] += 1
    monkeypatch.setattr(usage_check, "imported", lambda _paths: found)
    assert usage_check.main([str(tmp_path)]) == 1
