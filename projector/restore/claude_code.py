"""Writes a session as Claude Code writes its transcripts.

`claude --resume` reads `~/.claude/projects/<folder>/<session>.jsonl`, where the folder is the
working directory with a hyphen for everything but letters and digits. It goes from the last line to
its parent and so on, so every parent that is named has to be there: for a line that the journal
does not have, such as one of the program's own state, a line without text is written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from journal.importers.claude_code.outputs import OUTPUT
from projector.restore.session_file import (
    Line,
    SessionFile,
    calls_of,
    extra_of,
    folder_of_program,
    present,
    time_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projector.views.messages import MessageView
    from projector.views.sessions import SessionView

SOURCE = "claude-code"
_NO_NAME = re.compile(r"[^A-Za-z0-9]")
_KEPT = {
    "cwd": "cwd",
    "git_branch": "gitBranch",
    "version": "version",
    "request_id": "requestId",
    "agent_id": "agentId",
    "sidechain": "isSidechain",
    "meta": "isMeta",
    "compact_summary": "isCompactSummary",
    "transcript_only": "isVisibleInTranscriptOnly",
    "api_error": "isApiErrorMessage",
    "aborted": "isAbortedMidStream",
    "permission_mode": "permissionMode",
    "source_tool_use_id": "sourceToolUseID",
    "logical_parent": "logicalParentUuid",
    "supersedes": "supersedesUuids",
    "compaction": "compactMetadata",
    "subtype": "subtype",
    "level": "level",
    "slug": "slug",
}
"""Keys of `extra` of a message, and those of a line."""
_KNOWN = {*_KEPT, "api_message_id", "usage", "taken_from", "agent", "is_error", "timestamp"}
_LINK = {"subtype", "number", "repository"}
_QUEUE = "queue-operation"
"""The type of a line that is no part of the tree of lines."""
_PULL_REQUEST = "pr-link"
_SIDE_FILE = "outputs of tools that were in files beside the transcript"
_SHOWN = "whole outputs of tools, of which the program gave the model a part"
_FOREIGN = "messages that were not imported from Claude Code"


def write(session: SessionView, messages: Sequence[MessageView]) -> SessionFile:
    """Return the file of a session.

    Args:
        session: the session.
        messages: its transcript, in order.
    """
    folder = _NO_NAME.sub("-", session.cwd or "")
    own = folder_of_program("CLAUDE_CONFIG_DIR", "~/.claude")
    place = f"{own}/projects/{folder or '<folder of the project>'}"
    found = SessionFile(f"{session.session}.jsonl", place)
    lines = [line for each in messages if (line := _line(session, each, found)) is not None]
    found.ids.update(line["uuid"] for line in lines)
    there = set(found.ids)  # of two messages the reply may be the earlier one
    before: str | None = None
    for line in lines:
        parent = line["parentUuid"]
        if parent is not None and parent not in there:
            found.lines.append(_link(line, parent, before))
            there.add(parent)
        found.lines.append(line)
        if not line["isSidechain"] and line["type"] != _QUEUE:
            before = line["uuid"]
    if session.title is not None:
        about = {"type": "custom-title", "customTitle": session.title}
        found.lines.append({**about, "sessionId": session.session})
    return found


def _line(session: SessionView, message: MessageView, found: SessionFile) -> Line | None:
    extra = extra_of(message)
    if message.source not in (None, SOURCE):
        found.left_out[_FOREIGN] += 1
        return None
    if extra.keys() - _KNOWN - _LINK:
        side = "file" in extra or "taken_from" in extra
        found.left_out[_SIDE_FILE if side else f"messages of the kind {_kind(extra)}"] += 1
        return None
    if message.role == "tool" and message.id == f"{message.fields.get('parent')}{OUTPUT}":
        found.left_out[_SHOWN] += 1
        return None
    # a session's own lines may name an agent, too
    is_agents = "agent_id" in extra and session.extra.get("agent_id") == extra["agent_id"]
    line: Line = {
        "parentUuid": message.fields.get("parent"),
        "isSidechain": is_agents,
        "userType": "external",
        "cwd": "",
        "sessionId": (session.parent or session.session) if is_agents else session.session,
        "version": "",
        "gitBranch": "",
        "uuid": message.id,
        "timestamp": time_of(message),
        **{_KEPT[name]: value for name, value in extra.items() if name in _KEPT},
    }
    if line["timestamp"] is None:
        del line["timestamp"]
    return {**line, **_body(message, extra)}


def _kind(extra: Any) -> str:  # noqa: ANN401 - any JSON
    return str(extra.get("subtype", "unknown"))[:40]


def _body(message: MessageView, extra: Any) -> Line:  # noqa: ANN401 - any JSON
    """Return the type of a line, and its message."""
    if extra.get("subtype") == _PULL_REQUEST:
        about = {"prNumber": extra.get("number"), "prRepository": extra.get("repository")}
        return {"type": _PULL_REQUEST, "prUrl": message.content, **present(about)}
    if message.role == "system":
        return {"type": "system", "content": message.content}
    kept = extra.get("taken_from")
    if kept == _QUEUE:
        return {"type": kept, "operation": "enqueue", "content": message.content}
    if kept == "queued_command":
        mode = message.fields.get("meta") == "notification"
        prompt = {"type": kept, "prompt": message.content}
        about = {"commandMode": "task-notification"} if mode else {}
        return {"type": "attachment", "attachment": {**prompt, **about}}
    shown = {} if kept is None else {"takenFrom": kept}
    if extra.get("agent") is not None:
        shown["toolUseResult"] = {"agentId": extra["agent"]}
    if message.role != "assistant":
        role = "user" if message.role == "tool" else message.role
        return {"type": "user", "message": {"role": role, "content": message.content}, **shown}
    body = {
        "id": extra.get("api_message_id"),
        "type": "message",
        "role": "assistant",
        "model": message.fields.get("model"),
        "content": _with_calls(message),
        "stop_reason": message.fields.get("finish_reason"),
        "usage": extra.get("usage"),
    }
    return {"type": "assistant", "message": present(body), **shown}


def _with_calls(message: MessageView) -> Any:  # noqa: ANN401 - any JSON
    """Return a content with the calls of tools in it, as Claude's API has them."""
    calls = calls_of(message)
    if not calls:
        return message.content
    content = message.content
    parts = content if isinstance(content, list) else [] if content is None else [_text(content)]
    return [
        *parts,
        *(
            {"type": "tool_use", "id": id, "name": name, "input": _input(arguments)}
            for id, name, arguments in calls
        ),
    ]


def _text(text: str) -> Line:
    return {"type": "text", "text": text}


def _input(arguments: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments


def _link(line: Line, uuid: str, parent: str | None) -> Line:
    """Return a line without text, in the place of one that the journal does not have.

    Args:
        line: the line that names it as its parent.
        uuid: its id.
        parent: the line before; None if it begins the session.
    """
    same = ("isSidechain", "userType", "cwd", "sessionId", "version", "gitBranch", "timestamp")
    return {
        "parentUuid": parent,
        **{name: line[name] for name in same if name in line},
        "type": "system",
        "subtype": "informational",
        "content": "",
        "isMeta": True,
        "uuid": uuid,
    }
