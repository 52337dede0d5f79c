"""Messages, sessions and hits as JSON and as text for people."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from projector.message_view import MessageView
    from projector.search import Hit
    from projector.session_view import SessionView


def message_json(view: MessageView) -> dict[str, Any]:
    """Return a message as one flat JSON object; fields without a value are absent."""
    fields: dict[str, Any] = {
        "id": view.id,
        "role": view.role,
        "time": view.time,
        "content": view.content,
        **view.fields,
    }
    if view.source is not None:
        fields["source"] = view.source
    if view.revised:
        fields["revised"] = True
    return fields


def session_json(view: SessionView) -> dict[str, Any]:
    """Return a session as a JSON object."""
    return asdict(view)


def hit_json(hit: Hit) -> dict[str, Any]:
    """Return a hit as a JSON object."""
    return {
        "session": hit.session,
        "id": hit.id,
        "role": hit.role,
        "source": hit.source,
        "title": hit.title,
        "time": hit.time,
        "score": hit.score,
        "snippet": hit.snippet,
        "context": [message_json(view) for view in hit.context],
    }


# what an agent read from somewhere could otherwise write to the terminal as its user
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]+")


def harmless(text: str) -> str:
    """Return a text without control characters, but for tabs and newlines."""
    return _CONTROL.sub(" ", text)


def readable(view: MessageView) -> str:
    """Return what a message says as text: its parts, what it calls, and what came back."""
    return harmless("\n\n".join(piece for piece in _pieces(view) if piece.strip()))


def _pieces(view: MessageView) -> Iterator[str]:
    reasoning = view.fields.get("reasoning")
    if isinstance(reasoning, str):
        yield _quoted(reasoning)
    parts = view.content if isinstance(view.content, list) else [view.content]
    for part in parts:
        yield _part(part)
    calls = view.fields.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            yield _call(function.get("name"), function.get("arguments"))
        else:
            yield _fenced(call)


def _part(part: object) -> str:
    """Return one content part as text; a part of an unknown kind as JSON."""
    if part is None:
        return ""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return _fenced(part)
    show = _KINDS.get(str(part.get("type")))
    if show is not None:
        return show(part)
    return str(part["text"]) if isinstance(part.get("text"), str) else _fenced(part)


def _result(part: dict[str, Any]) -> str:
    content = part.get("content")
    below = content if isinstance(content, list) else [content]
    return "\n\n".join(_part(item) for item in below)


def _media(part: dict[str, Any]) -> str:
    return f"[{part['type']}]"


_KINDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "thinking": lambda part: _quoted(str(part.get("thinking", ""))),
    "tool_use": lambda part: _call(part.get("name"), part.get("input")),
    "tool_result": _result,
    **dict.fromkeys(
        ("image", "input_image", "image_url", "document", "audio", "input_audio"), _media
    ),
}


def _call(name: object, arguments: object) -> str:
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            return f"→ {name}\n{arguments}"
    if isinstance(arguments, dict) and all(_is_short(value) for value in arguments.values()):
        listed = ", ".join(f"{key}={value}" for key, value in arguments.items())
        return f"→ {name}({listed})"
    return f"→ {name}\n{_fenced(arguments)}"


def _is_short(value: object) -> bool:
    text = str(value)
    return len(text) <= 200 and "\n" not in text and not isinstance(value, dict | list)  # noqa: PLR2004 - two lines of a terminal


def _fenced(value: object) -> str:
    shown = json.dumps(value, ensure_ascii=False, indent=2)
    return f"```json\n{shown}\n```"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.strip().splitlines())


def described(session: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is known of a session, as name and value, without times."""
    for name in ("source", "model", "cwd", "parent", "end_reason"):
        if session[name] is not None:
            yield name.replace("_", " "), harmless(str(session[name]))
