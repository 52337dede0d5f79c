"""Events of Google's Agent Development Kit as messages of a transcript."""

from __future__ import annotations

import json
from typing import Any

from google.adk.events.event import Event

from journal import EventError, is_timestamp, new_event

_COUNTS = {
    "prompt_token_count": "input_tokens",
    "candidates_token_count": "output_tokens",
    "cached_content_token_count": "cache_read_tokens",
    "thoughts_token_count": "reasoning_tokens",
}


def message_events(session: str, id: str, event: Event, source: str) -> list[dict[str, Any]]:
    """Return the events of what an event of ADK says, and of the tokens that it used.

    Args:
        session: id of the session.
        id: id of the message; that of its usage is made from it.
        event: the event.
        source: source of the message.
    """
    events = []
    if message := _message(event):
        data = message | {"source": source}
        timestamp = round(event.timestamp * 1_000_000)
        if is_timestamp(timestamp):  # else it is dated by its append
            data["timestamp"] = timestamp
        events.append(new_event(session, "message.appended", data, id=id))
    if used := _usage(event):
        events.append(new_event(session, "usage.added", used, id=f"usage:{id}"))
    return events


def _message(event: Event) -> dict[str, Any]:
    """Return the fields of an event's message; empty if it says nothing."""
    parts = (event.content and event.content.parts) or []
    texts = [part.text for part in parts if part.text and not part.thought]
    thoughts = [part.text for part in parts if part.text and part.thought]
    calls = [part.function_call for part in parts if part.function_call]
    answers = [part.function_response for part in parts if part.function_response]
    texts += [_json(answer.response) for answer in answers]
    if event.error_message:
        texts.append(event.error_message)
    if not (texts or thoughts or calls):
        return {}
    role = "user" if event.author == "user" else "assistant"
    data: dict[str, Any] = {"role": "tool" if answers else role, "content": "\n".join(texts)}
    if thoughts:
        data["reasoning"] = "\n".join(thoughts)
    if calls:
        data["tool_calls"] = [
            {
                "id": call.id or "",
                "type": "function",
                "function": {"name": call.name or "", "arguments": _json(call.args or {})},
            }
            for call in calls
        ]
    if len(answers) == 1:
        data |= {"tool_name": answers[0].name} if answers[0].name else {}
        data |= {"tool_call_id": answers[0].id} if answers[0].id else {}
    if role != "user":
        data["extra"] = {"author": event.author}
    model = event.model_version
    return data | ({"model": model} if model else {})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _usage(event: Event) -> dict[str, Any]:
    used = event.usage_metadata
    if used is None:
        return {}
    counts = {ours: getattr(used, theirs) for theirs, ours in _COUNTS.items()}
    found: dict[str, Any] = {name: count for name, count in counts.items() if count}
    model = {"model": event.model_version} if event.model_version else {}
    return found | model | {"api_calls": 1} if found else {}


def dumped(event: Event) -> dict[str, Any]:
    """Return an event as JSON from which an equal event is made.

    Raises:
        EventError: there is none.
    """
    for options in ({"exclude_none": True}, {}):
        try:
            found: dict[str, Any] = event.model_dump(mode="json", **options)
            if _is_same(Event.model_validate(found), event):
                return found
        except ValueError as error:
            raise EventError(f"JSON cannot hold the event: {error}; nothing was written") from error
    raise EventError(
        "JSON would change the event, perhaps a tuple, a date or bytes in its state_delta; nothing"
        " was written"
    )


def _is_same(read: Event, event: Event) -> bool:
    """Return whether two events say the same; a `UserContent` is a `Content` when it is read."""
    return bool(read == event) or (
        bool(read.actions.state_delta == event.actions.state_delta)
        and read.model_dump() == event.model_dump()
    )
