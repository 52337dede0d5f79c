"""A journal as the viewer meets it: agents with calls of tools, usage, projects and sub-agents.

Half of the messages are results of tools, and two fifths are calls. Each answer of a model has an
event of usage. Sessions lie in the last year, and one of them is very long.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from itertools import cycle
from typing import TYPE_CHECKING, Any

from journal import Journal
from tools.bench.corpus.words import Texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG = "long-session"
"""Id of the very long session."""
EACH = 50
"""Messages of every other session."""
_SPAN = 360 * 86_400 * 1_000_000
"""Microseconds over which the sessions begin."""
_STEP = 20_000_000
"""Microseconds between two messages of a session."""
_LANES = 4
_BATCH = 2_000
_TEXTS = 8_000
_TURN = 12
"""Messages from one prompt to the next."""
_SOURCES = ("claude-code", "codex", "gemini", "opencode")
_MODELS = ("opus-large", "gpt-large", "gemini-large", "some-small", "local-model")
_TOOLS = ("Bash", "Read", "Edit", "Grep", "Write", "WebFetch", "Task")
_PROJECTS = 40
_BELOW = 10
"""Every session of such a number is a sub-agent of the one before."""


def session_name(number: int) -> str:
    """Return the id of a session."""
    return f"0199{number:08x}-7c1e-7a54-9b3d-{number * 2_654_435_761 % 16**12:012x}"


def fill(path: Path, count: int, long: int, now: int) -> None:
    """Append about `count` messages in sessions, and one session with `long` messages.

    Args:
        path: folder of the journal.
        count: messages of the usual sessions.
        long: messages of the long one.
        now: when the last session began; microseconds since 1970.
    """
    texts = cycle(Texts().take(min(_TEXTS, max(count + long, 1))))
    sessions = max(count // EACH, 1)
    with ExitStack() as stack:
        lanes = [stack.enter_context(Journal.open(path, fsync="never")) for _ in range(_LANES)]
        for turn, start in enumerate(range(0, sessions, 20)):
            made: list[dict[str, Any]] = []
            for number in range(start, min(start + 20, sessions)):
                began = now - _SPAN + _SPAN * number // sessions
                made += _session(session_name(number), number, EACH, began, texts)
            lanes[turn % _LANES].append_many(made)
        batch: list[dict[str, Any]] = []
        for event in _session(LONG, sessions, long, now - long * _STEP, texts):
            batch.append(event)
            if len(batch) >= _BATCH:
                lanes[0].append_many(batch)
                batch = []
        lanes[0].append_many(batch)


def _session(
    name: str, number: int, count: int, began: int, texts: Iterator[str]
) -> Iterator[dict[str, Any]]:
    """Yield the events of a session."""
    model = _MODELS[number * 7 // 3 % len(_MODELS)]
    begun: dict[str, Any] = {
        "source": _SOURCES[number // 3 % len(_SOURCES)],
        "model": model,
        "cwd": f"/home/someone/work/project-{number * 11 % _PROJECTS}",
        "title": f"{next(texts)[:40].strip()} {number}",
        "started": began,
    }
    if number % _BELOW == _BELOW - 1:
        begun |= {"parent": session_name(number - 1), "relation": "subagent"}
    yield {"session": name, "id": "created", "type": "session.created", "data": begun}
    for at in range(count):
        time, step = began + at * _STEP, at % _TURN
        data: dict[str, Any] = {"content": next(texts), "timestamp": time}
        call = f"call-{at - 1 if step % 2 == 0 else at}"
        tool = _TOOLS[(number + at // 2) % len(_TOOLS)]
        if step == 0:
            data |= {"role": "user"}
        elif step % 2 and step < _TURN - 1:
            arguments = json.dumps({"command": data["content"][:80], "description": "it runs"})
            function = {"name": tool, "arguments": arguments}
            data |= {"role": "assistant", "model": model, "content": ""}
            data["tool_calls"] = [{"id": call, "type": "function", "function": function}]
        elif step < _TURN - 1:
            data |= {"role": "tool", "tool_call_id": call}
            if at % 11 == 0:  # some fail
                data["extra"] = {"exit_code": 1}
        else:
            data |= {"role": "assistant", "model": model}
        yield {"session": name, "id": f"m{at:08d}", "type": "message.appended", "data": data}
        if data["role"] == "assistant":
            used = {
                "call": f"msg-{at}",
                "timestamp": time,
                "model": model,
                "input_tokens": 12,
                "output_tokens": 350,
                "cache_read_tokens": 41_000,
                "estimated_cost": 0.0125,
            }
            yield {"session": name, "id": f"u{at:08d}", "type": "usage.added", "data": used}
