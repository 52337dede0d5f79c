"""Converts one line of Claude Code to the fields of a message, from that line alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from journal.format.bounds import is_count
from journal.importers.claude_code.meta import meta_of
from journal.importers.claude_code.reshape import TAKEN
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.values import is_kept, text_or_none

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

_KEPT = {
    "cwd": "cwd",
    "gitBranch": "git_branch",
    "version": "version",
    "requestId": "request_id",
    "agentId": "agent_id",
    "isSidechain": "sidechain",
    "isMeta": "meta",
    "isCompactSummary": "compact_summary",
    "isVisibleInTranscriptOnly": "transcript_only",
    "isApiErrorMessage": "api_error",
    "isAbortedMidStream": "aborted",
    "permissionMode": "permission_mode",
    "sourceToolUseID": "source_tool_use_id",
    "logicalParentUuid": "logical_parent",
    "supersedesUuids": "supersedes",
    "compactMetadata": "compaction",
    "subtype": "subtype",
    "level": "level",
    "slug": "slug",
}
"""Keys of a line that are stored in `extra`, and their names there."""

_USAGE = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
)


def message_data(value: dict[str, Json], *, taken_from: str | None = None) -> dict[str, Json] | str:
    """Return the fields of a line's message, or the reason why it has none.

    Args:
        value: a line of type user, assistant or system.
        taken_from: the kind of the line that holds the message, if it is of another type.
    """
    kind = value["type"]
    if kind == "system":
        content = text_or_none(value.get("content"))
        if content is None:
            return f"system/{value.get('subtype')!s} without text"
        return {
            "role": "system",
            "content": content,
            "timestamp": read_time(value.get("timestamp")),
            "parent": text_or_none(value.get("parentUuid")),
            "extra": _kept(value) or None,
        }
    body = value.get("message")
    if not isinstance(body, dict):
        return f"{kind} line without a message"
    content = body.get("content")
    if not isinstance(content, (str, list)):
        return f"{kind} message without content"
    results = _results(content) if kind == "user" else []
    meta = meta_of(value, content) if kind == "user" and not results else None
    used = _used(body.get("usage"))
    extra = _extra(value, body, used, taken_from)
    if results and _has_error(content):
        extra["is_error"] = True
    content, calls = split_calls(content) if kind == "assistant" else (content, None)
    return {
        "role": "tool" if results else text_or_none(body.get("role")) or kind,
        "content": content,
        "tool_calls": calls,
        "tool_call_id": results[0] if len(results) == 1 else None,
        "token_count": used.get("output_tokens"),
        "finish_reason": text_or_none(body.get("stop_reason")),
        "model": text_or_none(body.get("model")),
        "meta": meta,
        "timestamp": read_time(value.get("timestamp")),
        "parent": text_or_none(value.get("parentUuid")),
        "extra": extra or None,
    }


def _extra(
    value: dict[str, Json], body: dict[str, Json], used: dict[str, int], taken_from: str | None
) -> dict[str, Json]:
    """Return what is kept of a line, and of its message, that has no field of its own."""
    extra = _kept(value)
    if (id := text_or_none(body.get("id"))) is not None:
        extra["api_message_id"] = id
    if used:
        extra["usage"] = used
    if (taken := taken_from or value.get(TAKEN)) is not None and is_kept(taken):
        extra["taken_from"] = taken
    if (agent := _started_agent(value)) is not None:
        extra["agent"] = agent
    return extra


def _kept(value: dict[str, Json]) -> dict[str, Json]:
    """Return what is kept of a line beside its message."""
    kept = _KEPT.get
    return {
        name: found
        for source, found in value.items()
        if (name := kept(source)) is not None and (found or is_kept(found))
    }


def _used(usage: Json) -> dict[str, int]:
    """Return the counts of what the message used."""
    if not isinstance(usage, dict):
        return {}
    return {name: found for name in _USAGE if is_count(found := usage.get(name))}


def split_calls(content: Json) -> tuple[Json, list[Json] | None]:
    """Return a content without its calls of tools, None if nothing is left; and the calls.

    A call has the same shape whatever its source is, and its arguments are a string of JSON.
    """
    if not isinstance(content, list):
        return content, None
    rest: list[Json] = []
    calls: list[Json] = []
    for part in content:
        name = part.get("name") if isinstance(part, dict) else None
        if isinstance(part, dict) and part.get("type") == "tool_use" and isinstance(name, str):
            given = part.get("input")
            arguments = given if isinstance(given, str) else orjson.dumps(given).decode()
            function = {"name": name, "arguments": arguments}
            calls.append({"id": str(part.get("id")), "type": "function", "function": function})
        else:
            rest.append(part)
    return rest or (None if calls else content), calls or None


def _results(content: Json) -> list[str | None]:
    """Return the ids of the calls that a line of tool results answers; [] for any other line."""
    if not isinstance(content, list):
        return []
    calls: list[str | None] = []
    for part in content:
        if not isinstance(part, dict) or part.get("type") != "tool_result":
            return []
        calls.append(text_or_none(part.get("tool_use_id")))
    return calls


def _has_error(content: Json) -> bool:
    return any(part.get("is_error") is True for part in content)


def _started_agent(value: dict[str, Json]) -> str | None:
    """Return the id of the sub-agent whose result this is."""
    result = value.get("toolUseResult")
    return text_or_none(result.get("agentId")) if isinstance(result, dict) else None
