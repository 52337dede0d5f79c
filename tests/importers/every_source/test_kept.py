"""What is kept of each source beside its texts, where its made-up sample says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from projector import Projection
from tests.importers.every_source.samples import SAMPLES
from tests.importers.feed import journal_events
from tests.support.transcripts import import_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIELDS = ("cwd", "branch", "commit", "model", "title", "parent")
KEPT = {
    "antigravity": "meta reasoning tool",
    "atif": "call cost model reasoning tool usage",
    "chatgpt": "attachment call meta model reasoning title tool",
    "claude_ai": "attachment reasoning status title tool",
    "claude_code": "attachment branch call cwd meta model parent reasoning status title tool usage",
    "cline": "call cost model reasoning status tool usage",
    "codex": "attachment branch call commit cwd meta "
    "model parent reasoning status title tool usage",
    "deepseek": "call cwd meta reasoning title tool",
    "factory": "call cwd meta model reasoning status title tool usage",
    "gemini_cli": "call meta model reasoning status title tool usage",
    "grok": "branch call commit cwd meta model reasoning title tool",
    "kimi": "call cwd meta model reasoning status title tool usage",
    "openai": "call model reasoning title tool",
    "openhands": "call cost meta model reasoning status title tool usage",
    "pi": "call cost cwd meta model parent reasoning status title tool usage",
    "qwen_code": "branch call cwd meta model reasoning status title tool usage",
    "swe_agent": "call cost meta tool usage",
    "aider": "cost meta model usage",
    "cline interface": "attachment call cost reasoning title tool usage",
    "copilot_cli": "attachment branch call commit cwd meta model reasoning status tool usage",
    "crush": "attachment call cost cwd model reasoning status title tool usage",
    "cursor": "call cost cwd model reasoning status title tool usage",
    "cursor transcript": "call meta tool",
    "goose": "attachment call cost cwd meta model reasoning status title tool usage",
    "opencode": "attachment call cost cwd files meta "
    "model parent reasoning status title tool usage",
    "opencode export": "attachment call cost cwd files meta "
    "model parent reasoning status title tool usage",
    "vscode_chat": "attachment call model reasoning title tool usage",
    "zed": "branch call commit cwd model reasoning status title tool usage",
}
"""What is found in the sample of each source; the tests of Hermes look at each of its columns."""


def _kept(type: str, data: dict[str, Any]) -> Iterator[str]:
    """Yield the names of what one event keeps."""
    extra = data.get("extra", {})
    if type in {"usage.added", "usage.set"}:
        yield "usage"
        if {"actual_cost", "estimated_cost"} & data.keys():
            yield "cost"
    elif type in {"message.appended", "message.revised"}:
        yield from (name for name in ("model", "reasoning", "meta") if name in data)
        yield from ("status" for name in ("exit_code", "is_error", "status") if name in extra)
        calls = data.get("tool_calls", [])
        if data.get("tool_name") or any(call["function"]["name"] for call in calls):
            yield "tool"
        if data.get("tool_call_id") or any(call.get("id") for call in calls):
            yield "call"
        content = data.get("content")
        parts = content if isinstance(content, list) else []
        if any(isinstance(p, dict) and p.get("type") == "thinking" for p in parts):
            yield "reasoning"
        if any(isinstance(p, dict) and {"name", "media_type", "source"} & p.keys() for p in parts):
            yield "attachment"
        if "files" in extra or "attachments" in extra:
            yield "files"


@pytest.mark.slow
@pytest.mark.parametrize("source", KEPT)
def test_facts_of_a_source_are_kept(tmp_path: Path, source: str) -> None:
    """Folder, git, model, title, tools and their status, attachments, reasoning, usage."""
    box, folder = tmp_path / "box", tmp_path / "j"
    box.mkdir()
    SAMPLES[source](box)
    import_all(folder, box)
    found = {name for _, _, type, data in journal_events(folder) for name in _kept(type, data)}
    with Projection.open(folder) as projection:
        for session in projection.sessions():
            found |= {name for name in FIELDS if getattr(session, name) is not None}
    assert " ".join(sorted(found)) == KEPT[source]
