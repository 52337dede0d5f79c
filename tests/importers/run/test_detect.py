"""The format of a file is detected from its first lines."""

from __future__ import annotations

import io
import json

import pytest

from journal.importers.registry import installed
from journal.importers.run.detect import Detector, Kind
from tests.importers.feed import line

CLAUDE = line(type="user", sessionId="s", uuid="u", message={"role": "user", "content": "x"})
CODEX = line(timestamp="t", type="session_meta", payload={"id": "x"})
MESSAGE = line(role="user", content="x")


def detect(raw: bytes, *, name: str) -> Kind:
    """Return the detected format of a file with these bytes."""
    return Detector(installed().formats).detect(io.BytesIO(raw), name=name)


def lines(*raws: bytes) -> bytes:
    """Join lines into a file."""
    return b"".join(raw + b"\n" for raw in raws)


@pytest.mark.parametrize(
    ("raw", "format"),
    [
        (lines(CLAUDE), "claude-code"),
        (lines(line(type="summary", summary="x", leafUuid="y")), "claude-code"),
        (lines(line(type="file-history-snapshot", snapshot={})), "claude-code"),
        (lines(line(type="queue-operation", sessionId="s")), "claude-code"),
        (lines(line(type="progress", sessionId="s", isSidechain=False)), "claude-code"),
        (lines(CODEX), "codex"),
        (lines(line(id="x", timestamp="t", instructions=None)), "codex"),
        (lines(line(type="message", role="user", content=[])), "codex"),
        (lines(MESSAGE), "openai"),
        (lines(line(messages=[{"role": "user", "content": "x"}])), "openai"),
        (lines(line(messages_display="user: x")), "openai"),
        (lines(b"broken", b"", b"42", CODEX), "codex"),
        (b"\xef\xbb\xbf" + lines(CLAUDE), "claude-code"),
        (lines(CLAUDE + CLAUDE), "claude-code"),
        (lines(b'{"timestamp":"2026' + CLAUDE), "claude-code"),
        (lines(CODEX + CODEX), "codex"),
        (lines(MESSAGE + MESSAGE), "openai"),
        (lines(b'{"part": ' + MESSAGE), None),
        (lines(b'{"unfinished": '), None),
        (lines(line(type="user", sessionId="s", uuid="u", message={"parts": []})), "qwen-code"),
        (lines(line(type="session.start", data={})), None),
        (lines(line(role="user", content="hi"), line(type="world_state", payload={})), "codex"),
        (lines(line(a=1), line(b=2)), None),
        (b"", None),
        (b"\0" * 500, None),
    ],
)
def test_lines_are_detected_by_what_only_their_format_has(raw: bytes, format: str | None) -> None:
    """Broken and unknown lines at the top do not hide the format."""
    assert detect(raw, name="x.jsonl") == Kind(format, document=False)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    ("value", "format"),
    [
        ({"loglines": [{"type": "user"}]}, "claude-code"),
        ([json.loads(MESSAGE)], "openai"),
        ({"x": 1, "messages": [json.loads(MESSAGE)]}, "openai"),
        ([{"id": 1, "traj": [json.loads(MESSAGE)]}], "openai"),
        ([[json.loads(MESSAGE)]], "openai"),
        ({"messages_display": "user: x"}, "openai"),
        ({"messages": [{"type": "user"}]}, None),
        ([1, 2], None),
        ({}, None),
        ("text", None),
    ],
)
def test_documents_are_detected_by_their_lists(
    value: object, format: str | None, indent: int | None
) -> None:
    """A document may be on one line or on many."""
    raw = json.dumps(value, indent=indent).encode()
    assert detect(raw, name="x.json") == Kind(format, document=True)


def test_a_broken_document_is_detected_by_its_beginning() -> None:
    """The beginning of a truncated document is enough."""
    raw = b'{"messages": [\n{"role": "user", "content": "a"},\n{"role"'
    assert detect(raw, name="x.json") == Kind("openai", document=True)


def test_a_document_over_many_lines_is_detected_with_any_name() -> None:
    """An indented document is not read as lines although its name ends with .jsonl."""
    raw = json.dumps([json.loads(MESSAGE)], indent=1).encode()
    assert detect(raw, name="x.jsonl") == Kind("openai", document=True)
