"""A journal with what exports have to show: calls, thinking, images, a fork, a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

T = 1_700_000_000_000_000
"""Microseconds: 2023-11-14T22:13:20Z."""
SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
LONG = "".join(f"line {number} of a long output\n" for number in range(200))
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}


def call(id: str, name: str, arguments: str) -> dict[str, object]:
    """Return a call of a tool, as messages have it."""
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


@pytest.fixture
def talk(journal_dir: Path) -> Path:
    """A session `talk` of two turns, and a fork of it that repeats the first two messages."""
    with Journal.open(journal_dir) as journal:
        about = {"title": "Docker *fails*", "source": "claude-code", "model": "claude-opus-4"}
        journal.append(session="talk", type="session.created", data=about)
        for at, (id, role, content, fields) in enumerate(_MESSAGES):
            more = {"timestamp": T + at * 1_000_000, **fields}
            journal.append_message("talk", role, content, id=id, **more)  # type: ignore[arg-type]
        used = {"input_tokens": 3, "cache_read_tokens": 40, "output_tokens": 9, "call": "m2"}
        journal.append(session="talk", type="usage.added", data=used | {"model": "claude-opus-4"})
        other = {"input_tokens": 5, "call": "elsewhere", "timestamp": T, "actual_cost": 0.5}
        journal.append(session="talk", type="usage.added", data=other)
        fork = {"parent": "talk", "relation": "fork", "source": "claude-code"}
        journal.append(session="fork", type="session.created", data=fork)
        for at, (id, role, content, fields) in enumerate(_MESSAGES[:2]):
            more = {"timestamp": T + at * 1_000_000, "line": f"line-{id}", **fields}
            journal.append_message("fork", role, content, id=f"f-{id}", **more)  # type: ignore[arg-type]
        journal.append_message("fork", "user", "and podman?", id="f3", timestamp=T + 9_000_000)
    return journal_dir


_MESSAGES: list[tuple[str, str, object, dict[str, object]]] = [
    ("m1", "user", "Why does `docker` fail?", {"line": "line-m1"}),
    (
        "m2",
        "assistant",
        "Let me look.",
        {
            "line": "line-m2",
            "model": "claude-opus-4",
            "reasoning": "It may be the daemon.",
            "finish_reason": "tool_use",
            "tool_calls": [
                call("c1", "Bash", '{"command": "docker ps"}'),
                call("c2", "Read", f'{{"path": "a.py", "text": "{"x" * 5000}"}}'),
            ],
        },
    ),
    ("m3", "tool", LONG, {"tool_call_id": "c1", "extra": {"exit_code": 1}}),
    ("m4", "tool", f"token={SECRET}", {"tool_call_id": "c2", "tool_name": "Read"}),
    ("m5", "user", "a reminder of the machine", {"meta": "notification"}),
    ("m6", "assistant", "The daemon does not run.\x1b[31m", {"model": "claude-opus-4"}),
    ("m7", "user", [IMAGE, {"type": "text", "text": "and 北京?"}], {}),
    (
        "m8",
        "assistant",
        [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "It is a city."}],
        {},
    ),
]
