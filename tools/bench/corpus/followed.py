"""Many small transcripts of six programs, and further lines for them, for measuring `--follow`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_FOLDER = 100
"""Files of a folder."""
_TIME = "2026-01-02T09:00:00.000Z"
_MILLIS = 1_767_344_400_000


def write_many(folder: Path, count: int) -> list[Path]:
    """Write transcripts of a few lines, of all programs in turn; return their paths."""
    paths = []
    for number in range(count):
        name = list(_LINES)[number % len(_LINES)]
        path = folder / _PLACES[name].format(folder=number // _FOLDER, number=number)
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [*_HEADS[name](number), *(_LINES[name](number, text) for text in ("one", "two"))]
        path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
        paths.append(path)
    return paths


def next_line(number: int, text: str) -> bytes:
    """Return a line with a text for the transcript of this number."""
    name = list(_LINES)[number % len(_LINES)]
    return orjson.dumps(_LINES[name](number, text)) + b"\n"


_PLACES = {
    "claude-code": ".claude/projects/-p{folder}/c{number}.jsonl",
    "codex": ".codex/sessions/2026/{folder}/rollout-{number}.jsonl",
    "gemini-cli": ".gemini/tmp/p{folder}/chats/session-{number}.jsonl",
    "kimi": ".kimi/sessions/wd{folder}/k{number}/agents/main/wire.jsonl",
    "pi": ".pi/agent/sessions/--p{folder}--/{number}.jsonl",
    "copilot-cli": ".copilot/session-state/{number}/events.jsonl",
}


def _claude(number: int, text: str) -> dict[str, Any]:
    return {
        "type": "user",
        "uuid": f"{number}-{text}",
        "sessionId": f"c{number}",
        "timestamp": _TIME,
        "isSidechain": False,
        "message": {"role": "user", "content": text},
    }


def _codex(_number: int, text: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    payload = {"type": "message", "role": "user", "content": content}
    return {"timestamp": _TIME, "type": "response_item", "payload": payload}


def _gemini(number: int, text: str) -> dict[str, Any]:
    id = f"g{number}-{text}"
    return {"id": id, "timestamp": _TIME, "type": "user", "content": [{"text": text}]}


def _kimi(_number: int, text: str) -> dict[str, Any]:
    content = [{"type": "text", "text": text}]
    message = {"role": "user", "content": content, "origin": {"kind": "user"}}
    return {"type": "context.append_message", "message": message, "time": _MILLIS}


def _pi(number: int, text: str) -> dict[str, Any]:
    message = {"role": "user", "content": [{"type": "text", "text": text}], "timestamp": _MILLIS}
    about = {"type": "message", "id": f"p{number}-{text}", "parentId": None, "timestamp": _TIME}
    return {**about, "message": message}


def _copilot(number: int, text: str) -> dict[str, Any]:
    about = {"type": "user.message", "id": f"o{number}-{text}", "timestamp": _TIME}
    return {**about, "parentId": None, "data": {"content": text}}


def _head(**fields: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
    yield fields


_LINES: dict[str, Callable[[int, str], dict[str, Any]]] = {
    "claude-code": _claude,
    "codex": _codex,
    "gemini-cli": _gemini,
    "kimi": _kimi,
    "pi": _pi,
    "copilot-cli": _copilot,
}
_HEADS: dict[str, Callable[[int], Iterator[dict[str, Any]]]] = {
    "claude-code": lambda _number: iter(()),
    "codex": lambda number: _head(
        timestamp=_TIME, type="session_meta", payload={"id": f"x{number}", "cwd": "/work"}
    ),
    "gemini-cli": lambda number: _head(sessionId=f"g{number}", startTime=_TIME, kind="main"),
    "kimi": lambda _number: _head(type="metadata", protocol_version="1.4", created_at=_MILLIS),
    "pi": lambda number: _head(type="session", version=3, id=f"p{number}", timestamp=_TIME),
    "copilot-cli": lambda number: _head(
        type="session.start",
        id=f"o{number}",
        timestamp=_TIME,
        parentId=None,
        data={"sessionId": f"o{number}", "startTime": _TIME},
    ),
}
