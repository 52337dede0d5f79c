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


def _totals(session: str, *totals: tuple[int, int, int]) -> str:
    """Write a rollout of Codex with running totals: input, of that cached, and output."""
    head = {"type": "session_meta", "payload": {"id": session}}
    names = ("input_tokens", "cached_input_tokens", "output_tokens")
    used = [dict(zip(names, figures, strict=True)) for figures in totals]
    infos = ({"total_token_usage": it, "last_token_usage": it} for it in used)
    counts = [
        {"type": "event_msg", "payload": {"type": "token_count", "info": info}} for info in infos
    ]
    about = {"timestamp": "2026-01-01T10:00:00Z"}
    return "".join(json.dumps({**about, **line}) + "\n" for line in (head, *counts))


@pytest.mark.slow
def test_totals_that_begin_again_are_counted_again(tmp_path: Path) -> None:
    """A file without a head, which has nothing but usage, is of its source, too."""
    whole = _totals("s1", (100, 40, 7), (100, 40, 7), (0, 0, 0), (30, 0, 2))
    (tmp_path / "rollout-a.jsonl").write_text(whole, encoding="utf-8")
    bare = _totals("s2", (9, 0, 1)).partition("\n")[2]
    (tmp_path / "rollout-b.jsonl").write_text(bare, encoding="utf-8")
    assert usage_check.main([str(tmp_path)]) == 0
    found = usage_check.imported([tmp_path])["codex"]
    assert (found["input_tokens"], found["output_tokens"]) == (60 + 30 + 9, 7 + 2 + 1)


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
