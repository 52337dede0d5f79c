"""Write sources, import them, and read the transcripts from the projection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from journal.importers.run.driver import Importer
from journal.writer import Journal
from projector import Projection

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from journal.importers.run.report import Report

THREAD = "019df362-aa9f-7011-903e-4a0878d49fa0"
SEGMENT = "019e6666-aa9f-7011-903e-4a0878d49fa0"
ROLLOUT = f"rollout-2026-01-01T12-00-00-{THREAD}.jsonl"


def stamp(second: float) -> str:
    """Return a time, some seconds after noon."""
    hours, rest = divmod(second, 3600)
    return f"2026-01-01T{12 + int(hours):02}:{int(rest // 60):02}:{rest % 60:06.3f}Z"


def head() -> dict[str, Any]:
    """Return the first line of a rollout."""
    payload = {"id": THREAD, "cwd": "/w"}
    return {"timestamp": stamp(0), "type": "session_meta", "payload": payload}


def item(time: object, **payload: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return an item of a rollout; its time is in seconds after noon, or any value."""
    when = stamp(time) if isinstance(time, int | float) else time
    return {"timestamp": when, "type": "response_item", "payload": payload}


def says(time: object, text: str, role: str = "user", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a message of a rollout."""
    content = [{"type": "input_text", "text": text}]
    return item(time, type="message", role=role, content=content, **more)


def event(time: object, **payload: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return an event of a rollout."""
    return {**item(time, **payload), "type": "event_msg"}


def claude(
    uuid: str,
    parent: str | None,
    text: object,
    second: float,
    **more: Any,  # noqa: ANN401 - any JSON
) -> dict[str, Any]:
    """Return a line of Claude Code; `type` may be `assistant`."""
    kind = more.get("type", "user")
    return {
        "type": kind,
        "uuid": uuid,
        "parentUuid": parent,
        "sessionId": "cc",
        "isSidechain": False,
        "timestamp": stamp(second),
        "message": {"role": kind, "content": text},
        **more,
    }


def write(path: Path, values: Iterable[object]) -> Path:
    """Write lines: bytes unchanged, everything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = [value if isinstance(value, bytes) else json.dumps(value).encode() for value in values]
    path.write_bytes(b"".join(line + b"\n" for line in raw))
    return path


def take(journal: Path, *paths: Path, format: str = "auto", reread: bool = False) -> Report:
    """Import paths."""
    with Journal.open(journal, fsync="never") as handle:
        importer = Importer(handle, format, reread=reread)
        return importer.run(importer.sources(paths))


def transcript(journal: Path, session: str = THREAD) -> list[Any]:
    """Return the contents of a session's transcript."""
    with Projection.open(journal) as projection:
        return [message.content for message in projection.messages(session)]
