"""Events of the entries of a transcript, and the entries again.

An entry with a message becomes a `message.appended` with the fields that `journal import
claude-code` gives it, so that a session which is mirrored and imported counts once. Its other keys
are in `extra.entry`, and an equal entry is made of both. Any other entry is an event of the type
`ENTRY`, which no list of messages shows.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeGuard

import orjson

from journal import new_event
from projector.adapters.carried import carried, carry, is_storable, storable_message, storable_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Entry = dict[str, Any]

SOURCE = "claude-agent-sdk"
ENTRY = "claude-agent-sdk.entry"
"""Type of the events of entries without a message."""
_HELD = "entry"
"""The key of `extra`, and of the data of an `ENTRY`, that holds an entry or the rest of one."""
_PLACES = "parts"
"""The key of `extra` that says where the parts of the content were, or True if they are all in the
content of the message; a whole entry has none."""
_NAMES = {"cwd": "cwd", "gitBranch": "git_branch"}
"""Keys of an entry that `extra` has under another name."""
_TITLES = {"custom-title": "customTitle", "ai-title": "aiTitle", "summary": "summary"}
_LARGEST = 2**53 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COUNTERS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_input_tokens",
    "cache_write_tokens": "cache_creation_input_tokens",
}
"""Counters of a call, and their keys in the `usage` of a message."""
_HOUR, _MINUTE = "ephemeral_1h_input_tokens", 60_000_000


def events_of(
    name: str, entries: Sequence[Entry], about: dict[str, Any], again: int
) -> Iterator[dict[str, Any]]:
    """Yield the events of a batch: one that says what the session is, and those of each entry.

    Args:
        name: the session.
        entries: the batch.
        about: fields of the session.
        again: how often the session was deleted before: an entry that comes again is a new one.

    Raises:
        EventError: an entry has something that JSON does not have.
    """
    about = {"source": SOURCE, **about}
    for field, key in (("cwd", "cwd"), ("branch", "gitBranch")):
        found = next((e[key] for e in entries if _is_text(e.get(key))), None)
        if found is not None and found == storable_text(found):
            about[field] = found
    yield _fact(name, "session.ensured", about, again)
    for entry in entries:
        yield from _events_of(name, entry, again)


def _events_of(name: str, entry: Entry, again: int) -> Iterator[dict[str, Any]]:
    uuid = entry.get("uuid")
    id = None if not _is_text(uuid) else f"{uuid}{_suffix(again)}"
    data = _message(entry)
    if data is None:
        yield new_event(name, ENTRY, {_HELD: carry(entry)}, id=id)
    else:
        if again and id is not None:
            data["line"] = uuid
        yield new_event(name, "message.appended", data, id=id)
        yield from _usage(name, entry, again)
    kind = entry.get("type")
    title = entry.get(_TITLES[kind]) if kind in _TITLES else None
    if _is_text(title) and (title := storable_text(title)):
        # a title that the user gave is in force whatever the model proposes
        type = "session.titled" if kind == "custom-title" else "session.ensured"
        yield new_event(name, type, {"title": title})


def _suffix(again: int) -> str:
    return f"~{again}" if again else ""


def entry_of(content: str | list[Any] | None, calls: Any, extra: Mapping[str, Any]) -> Entry:  # noqa: ANN401 - any JSON
    """Return the entry of a message, by its content, its `tool_calls` and its `extra`.

    Raises:
        EventError: another program wrote the message.
    """
    entry: Entry = carried(extra.get(_HELD))
    message = entry.get("message")
    holder = message if isinstance(message, dict) else entry
    places = extra.get(_PLACES)
    if places is None:
        return entry  # whole
    whole = _joined(places, content, calls) if isinstance(places, list) else content
    filled = {**holder, "content": whole}
    entry = {**entry, "message": filled} if holder is message else filled
    return entry | {key: extra[name] for key, name in _NAMES.items() if name in extra}


def held_entry(data: Mapping[str, Any]) -> Entry:
    """Return the entry of an `ENTRY`, by its data."""
    entry: Entry = carried(data.get(_HELD))
    return entry


def _message(entry: Entry) -> dict[str, Any] | None:
    """Return the data of the message of an entry; None if it has none."""
    kind, message = entry.get("type"), entry.get("message")
    if kind == "system" and _is_text(entry.get("content")):
        body, role, content = entry, "system", entry["content"]
    elif kind in {"user", "assistant"} and isinstance(message, dict):
        body, content = message, message.get("content")
        role = message["role"] if _is_text(message.get("role")) else kind
    else:
        return None
    if not isinstance(content, str | list):
        return None
    parts, calls, places = content, None, None
    if kind == "assistant" and isinstance(content, list):
        parts, calls, places = _split(content)
    results = _results(content) if kind == "user" else []
    used = body.get("usage")
    used = used if isinstance(used, dict) else {}
    data: dict[str, Any] = {
        "role": "tool" if results else role,
        "content": parts,
        "tool_calls": calls,
        "tool_call_id": results[0] if len(results) == 1 else None,
        "finish_reason": body.get("stop_reason"),
        "model": body.get("model"),
        "token_count": used.get("output_tokens"),
        "source": SOURCE,
        "timestamp": micros(entry.get("timestamp")),
        "parent": entry.get("parentUuid"),
        "meta": _meta(entry) if kind == "user" and not results else None,
    }
    for name in ("tool_call_id", "finish_reason", "model", "parent"):
        data[name] = data[name] if _is_text(data[name]) else None
    if not _is_count(data["token_count"]):
        data["token_count"] = None
    extra = {name: entry[key] for key, name in _NAMES.items() if _is_text(entry.get(key))}
    rest = {key: value for key, value in entry.items() if _NAMES.get(key) not in extra}
    if body is entry:
        del rest["content"]
    else:
        rest["message"] = {key: value for key, value in body.items() if key != "content"}
    data["extra"] = {**extra, _HELD: carry(rest), _PLACES: True if places is None else places}
    if entry_of(parts, calls, data["extra"]) != entry:
        data["extra"] = {**extra, _HELD: carry(entry)}
    return storable_message(data, {_HELD: entry})


def _split(content: list[Any]) -> tuple[Any, list[Any] | None, list[Any] | None]:
    """Return the content of an assistant without its calls, the calls, and where each part was.

    A place is None for a part that stays, and for a call what `tool_calls` lacks of it.
    """
    rest: list[Any] = []
    calls: list[Any] = []
    places: list[Any] = []
    for part in content:
        if isinstance(part, dict) and part.get("type") == "tool_use" and _is_text(part.get("name")):
            try:
                arguments = orjson.dumps(part.get("input")).decode()
            except TypeError:  # it is kept as it is, and found there
                return content, None, None
            function = {"name": part["name"], "arguments": arguments}
            calls.append({"id": str(part.get("id")), "type": "function", "function": function})
            places.append({key: part[key] for key in part if key not in {"id", "name", "input"}})
        else:
            rest.append(part)
            places.append(None)
    return (rest or None, calls, places) if calls else (content, None, None)


def _joined(places: list[Any], content: Any, calls: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    """Return the content that `_split` was given."""
    stayed, called = iter(content or ()), iter(calls or ())
    parts: list[Any] = []
    for place in places:
        if place is None:
            parts.extend(part for part in [next(stayed, None)] if part is not None)
        elif (call := next(called, None)) is not None:
            function = call["function"]
            own = {"id": call["id"], "name": function["name"]}
            parts.append({**place, **own, "input": orjson.loads(function["arguments"])})
    return parts


def _results(content: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    """Return the ids of the calls that a content answers; [] if not all its parts are results."""
    if not isinstance(content, list):
        return []
    is_result = [isinstance(part, dict) and part.get("type") == "tool_result" for part in content]
    return [part.get("tool_use_id") for part in content] if all(is_result) else []


def _meta(entry: Entry) -> str | None:
    """Return what an entry with the role "user" is if no person wrote it."""
    if entry.get("isCompactSummary"):
        return "summary"
    if entry.get("isMeta"):
        return "instructions"
    return "task" if entry.get("isSidechain", _is_text(entry.get("agentId"))) else None


def _usage(name: str, entry: Entry, again: int) -> Iterator[dict[str, Any]]:
    """Yield what a call of the API used: each of its lines says it, and it counts once."""
    message = entry.get("message")
    used = message.get("usage") if isinstance(message, dict) else None
    if (
        entry.get("type") != "assistant"
        or not isinstance(message, dict)
        or not isinstance(used, dict)
    ):
        return
    counts = {own: used[key] for own, key in _COUNTERS.items() if _is_count(used.get(key))}
    ids = (message.get("id"), entry.get("requestId"), entry.get("uuid"))
    call = next(filter(_is_text, ids), None)
    if not any(counts.values()) or call is None:
        return
    created = used.get("cache_creation")
    hour = created.get(_HOUR) if isinstance(created, dict) else None
    at, model = micros(entry.get("timestamp")), message.get("model")
    data = {
        **counts,
        "api_calls": 1,
        "call": call,
        "model": model if _is_text(model) else None,
        "timestamp": None if at is None else at - at % _MINUTE,
        "extra": {"cache_write_1h_tokens": hour} if _is_count(hour) and hour else None,
    }
    data = {field: value for field, value in data.items() if value is not None}
    if is_storable(data):
        yield _fact(name, "usage.added", data, again)


def _fact(name: str, type: str, data: dict[str, Any], again: int) -> dict[str, Any]:
    """Return an event whose id is its content: appended again, it has no effect."""
    sorted_data = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    digest = hashlib.blake2b(sorted_data, digest_size=10).hexdigest()
    return new_event(name, type, data, id=f"{type}:{digest}{_suffix(again)}")


def micros(timestamp: object) -> int | None:
    """Return the microseconds since 1970 of an ISO 8601 text with a zone; None if it is none."""
    if not isinstance(timestamp, str):
        return None
    try:
        at = datetime.fromisoformat(timestamp)
        micros = (at - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, TypeError, OverflowError):  # no date, no zone, out of range
        return None
    return micros if 0 <= micros <= _LARGEST else None


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value)


def _is_count(value: object) -> TypeGuard[int]:
    return value.__class__ is int and 0 <= value <= _LARGEST
