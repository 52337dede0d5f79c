"""Messages, sessions and hits as JSON and as text for people."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from journal.cli.kit.clean import json_line
from journal.cli.kit.times import format_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from projector.search.hits import Hit
    from projector.views.messages import MessageView
    from projector.views.sessions import SessionBrief


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
    if view.home is not None:
        fields["home"] = view.home
    return fields


def session_json(view: SessionBrief) -> dict[str, Any]:
    """Return a session as a JSON object."""
    return asdict(view)


def hit_json(hit: Hit) -> dict[str, Any]:
    """Return a hit as a JSON object."""
    some: dict[str, Any] = {} if hit.home is None else {"home": hit.home}
    if hit.missing:
        some["missing"] = list(hit.missing)
    if hit.more:
        some["more"] = hit.more
    if hit.same:
        some["same"] = hit.same
    if hit.in_title:
        some["in_title"] = True
    return some | {
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


def readable(view: MessageView) -> str:
    """Return a message as text: its parts, the tools that it calls, and their results."""
    return "\n\n".join(piece.text for piece in pieces(view))


class Piece(NamedTuple):
    """A piece of a message.

    Attributes:
        kind: `text` for what was said; `other` for reasoning, calls of tools and their results.
        text: as a person reads it.
    """

    kind: Literal["text", "other"]
    text: str


def pieces(view: MessageView) -> Iterator[Piece]:
    """Yield the pieces of a message that are not blank, in order."""
    for piece in _pieces(view):
        if piece.text.strip():
            yield piece


def fenced(text: str, kind: str = "") -> str:
    """Put a text between Markdown fences that are longer than any in it.

    Between them nothing is Markdown or HTML: no line of a message can pass for a heading.
    """
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{kind}\n{text}\n{fence}"


def code_span(text: str) -> str:
    """Put a text of one line into a Markdown code span that it cannot end."""
    marks = "`" * (_longest_run(text) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{marks}{space}{text}{space}{marks}"


def no_markdown(text: str) -> str:
    """Return a text of one line with its Markdown characters escaped."""
    return _MARKS.sub(r"\\\g<0>", text)


_MARKS = re.compile(r"[\\`*_\[\]<>&#!~|]")


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _pieces(view: MessageView) -> Iterator[Piece]:
    reasoning = view.fields.get("reasoning")
    if isinstance(reasoning, str):
        yield Piece("other", _quoted(reasoning))
    parts = view.content if isinstance(view.content, list) else [view.content]
    for part in parts:
        other = isinstance(part, dict) and part.get("type") in _OTHER
        yield Piece("other" if other else "text", readable_part(part))
    calls = view.fields.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            yield Piece("other", _call(function.get("name"), function.get("arguments")))
        else:
            yield Piece("other", _as_json(call))


_OTHER = ("thinking", "tool_use", "tool_result")


def readable_part(part: object, depth: int = 0) -> str:
    """Return one part of a content as text; a part of an unknown kind as JSON."""
    if part is None:
        return ""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict) or depth > _DEEP:
        return _as_json(part)
    kind = part.get("type")
    show = _KINDS.get(kind) if isinstance(kind, str) else None
    if show is not None:
        return show(part, depth)
    text = part.get("text")
    return text if isinstance(text, str) else _as_json(part)


def _result(part: dict[str, Any], depth: int) -> str:
    content = part.get("content")
    below = content if isinstance(content, list) else [content]
    return "\n\n".join(readable_part(item, depth + 1) for item in below)


_KINDS: dict[str, Callable[[dict[str, Any], int], str]] = {
    "thinking": lambda part, _: _quoted(_plain(part.get("thinking", ""))),
    "tool_use": lambda part, _: _call(part.get("name"), part.get("input")),
    "tool_result": _result,
    **dict.fromkeys(
        ("image", "input_image", "image_url", "document", "audio", "input_audio"),
        lambda part, _: f"[{part['type']}]",
    ),
}
_DEEP = 20
"""Results within results that are shown as text."""


def _call(name: object, arguments: object) -> str:
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            return f"→ {_plain(name)}\n{arguments}"
    if isinstance(arguments, dict) and all(_is_short(value) for value in arguments.values()):
        listed = ", ".join(f"{key}={value}" for key, value in arguments.items())
        return f"→ {_plain(name)}({listed})"
    return f"→ {_plain(name)}\n{_as_json(arguments)}"


def _is_short(value: object) -> bool:
    if isinstance(value, dict | list):
        return False
    text = str(value)
    return len(text) <= 200 and "\n" not in text  # noqa: PLR2004 - two lines of a terminal


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json_line(value)


def _as_json(value: object) -> str:
    try:
        shown = json.dumps(value, ensure_ascii=False, indent=2)
    except RecursionError:  # it would be mostly spaces, too
        shown = json_line(value)
    return fenced(shown, "json")


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.strip().split("\n"))


def described(session: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name and value of each text field that a session has."""
    for name in ("source", "model", "cwd", "branch", "commit", "parent", "relation", "end_reason"):
        if session[name] is not None:
            yield name.replace("_", " "), str(session[name])
    if session["gone"] is not None:
        yield "source gone", format_time(session["gone"])
