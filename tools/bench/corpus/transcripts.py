"""Made-up transcripts of Claude Code and exports of ChatGPT, for measuring an import.

The shares of the kinds of lines, and their lengths, are about those of real transcripts: half of
the bytes are results of tools, which Claude Code writes twice in one line, and a third of the lines
are progress and snapshots of files, which are not imported. A line has 2 KB on average.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count, cycle
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from tools.bench.corpus.words import Texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TEXTS = 8_000
_SESSION = 4 * 1024 * 1024
"""Bytes of a session, about."""
_PROJECTS = 20
_STEPS = 6
"""Calls of tools in one turn."""
_TURNS = 12
"""Turns of a conversation of ChatGPT."""
_BEGAN = 1_767_225_600
_TOOLS = ("Bash", "Read", "Edit", "Grep")


def write_claude_code(folder: Path, size: int) -> None:
    """Write transcripts of Claude Code of at least `size` bytes in all."""
    maker = _Maker()
    left = size
    for number in count():
        project = folder / f"-work-project-{number % _PROJECTS}"
        project.mkdir(parents=True, exist_ok=True)
        session = maker.uuid()
        with (project / f"{session}.jsonl").open("wb") as file:
            for value in _session(maker, session, min(_SESSION, left)):
                file.write(orjson.dumps(value) + b"\n")
            left -= file.tell()
        if left <= 0:
            return


def write_chatgpt(file: Path, size: int) -> None:
    """Write an export of ChatGPT, the `conversations.json`, of at least `size` bytes."""
    maker = _Maker()
    with file.open("wb") as out:
        out.write(b"[")
        out.write(orjson.dumps(_conversation(maker)))
        while out.tell() < size:
            out.write(b", " + orjson.dumps(_conversation(maker)))
        out.write(b"]")


class _Maker:
    """Texts, ids and times, the same at each run."""

    def __init__(self) -> None:
        self._random = Random(1)
        self._texts = cycle(Texts().take(_TEXTS))
        self._clock = count(_BEGAN)

    def uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def text(self, count: int = 1) -> str:
        return "\n".join(next(self._texts) for _ in range(count))

    def output(self) -> str:
        """Return the output of a tool: mostly short, sometimes as long as a file."""
        return self.text(min(int(self._random.paretovariate(0.9)), 60))

    def second(self) -> int:
        return next(self._clock)


def _session(maker: _Maker, session: str, size: int) -> Iterator[dict[str, Any]]:
    """Yield the lines of a session until they have `size` bytes, about."""
    shared = {
        "isSidechain": False,
        "userType": "external",
        "cwd": "/work/project",
        "sessionId": session,
        "version": "2.1.20",
        "gitBranch": "main",
    }
    parent: str | None = None
    written = 0

    def line(type: str, body: dict[str, Any]) -> dict[str, Any]:
        nonlocal parent, written
        about = {"parentUuid": parent, **shared, "type": type}
        uuid, second = maker.uuid(), maker.second()
        value = {**about, **body, "uuid": uuid, "timestamp": _iso(second)}
        parent = uuid
        written += len(orjson.dumps(value))
        return value

    while written < size:
        yield {
            "type": "file-history-snapshot",
            "messageId": maker.uuid(),
            "snapshot": {"trackedFileBackups": {}, "timestamp": _iso(maker.second())},
            "isSnapshotUpdate": False,
        }
        yield line("user", {"message": {"role": "user", "content": maker.text()}})
        for step in range(_STEPS):
            call = f"toolu_{maker.uuid()}"
            yield line("assistant", _answer(maker, {"type": "text", "text": maker.text()}))
            tool = _TOOLS[step % len(_TOOLS)]
            asked = {"command": maker.text()[:200], "description": maker.text()[:60]}
            use = {"type": "tool_use", "id": call, "name": tool, "input": asked}
            yield line("assistant", _answer(maker, use))
            hook = {"type": "hook_progress", "hookEvent": "PreToolUse", "hookName": tool}
            yield line("progress", {"data": hook, "toolUseID": call, "parentToolUseID": call})
            text = maker.output()
            result = {"tool_use_id": call, "type": "tool_result", "content": text}
            output = {"stdout": text, "stderr": "", "interrupted": False, "isImage": False}
            message = {"role": "user", "content": [result]}
            yield line("user", {"message": message, "toolUseResult": output})
        yield line("assistant", _answer(maker, {"type": "text", "text": maker.text(2)}))


def _answer(maker: _Maker, part: dict[str, Any]) -> dict[str, Any]:
    call = maker.uuid()
    usage = {
        "input_tokens": 12,
        "cache_creation_input_tokens": 2_100,
        "cache_read_input_tokens": 41_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 2_100, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 350,
        "service_tier": "standard",
    }
    return {
        "message": {
            "model": "claude-opus-4-5",
            "id": f"msg_{call}",
            "type": "message",
            "role": "assistant",
            "content": [part],
            "stop_reason": "end_turn" if part["type"] == "text" else "tool_use",
            "stop_sequence": None,
            "usage": usage,
        },
        "requestId": f"req_{call}",
    }


def _conversation(maker: _Maker) -> dict[str, Any]:
    """Return one conversation of an export of ChatGPT, a tree without branches."""
    root = maker.uuid()
    mapping: dict[str, Any] = {root: {"id": root, "message": None, "parent": None, "children": []}}
    last = root
    for turn in range(2 * _TURNS):
        id = maker.uuid()
        mapping[last]["children"].append(id)
        role = ("user", "assistant")[turn % 2]
        message = {
            "id": id,
            "author": {"role": role, "name": None, "metadata": {}},
            "create_time": maker.second() + 0.123456,
            "update_time": None,
            "content": {"content_type": "text", "parts": [maker.text(1 + 2 * (turn % 2))]},
            "status": "finished_successfully",
            "end_turn": True,
            "weight": 1.0,
            "metadata": {"model_slug": "gpt-5", "request_id": maker.uuid(), "citations": []},
            "recipient": "all",
            "channel": None,
        }
        mapping[id] = {"id": id, "message": message, "parent": last, "children": []}
        last = id
    return {
        "title": maker.text()[:40],
        "create_time": maker.second() + 0.5,
        "update_time": maker.second() + 0.5,
        "mapping": mapping,
        "moderation_results": [],
        "current_node": last,
        "conversation_id": maker.uuid(),
        "default_model_slug": "gpt-5",
        "is_archived": False,
    }


def _iso(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S.000Z}"
