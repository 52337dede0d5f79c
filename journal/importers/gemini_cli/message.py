"""Converts one message of a recording to items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.parts import Parts, Result, google_parts, google_result, output
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.usage import plus, usage, without
from journal.importers.parsing.values import list_of, non_empty, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.conversation import Conversation
    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.source_time import SourceTime
    from journal.importers.parsing.values import Json

_MODEL = ("gemini", "model", "assistant")
_CONTINUE = "System: Please continue."
"""What the program itself sends as the user, when a turn of the model ended too early."""
_READ = {
    "id",
    "timestamp",
    "ts",
    "type",
    "role",
    "content",
    "parts",
    "model",
    "tokens",
    "thoughts",
    "toolCalls",
    "displayContent",
}


def message_items(line: int, talk: Conversation, id: str, value: dict[str, Json]) -> Iterator[Item]:
    """Yield the message, its tool calls with their results, and what the API call used.

    A call is a message of its own: the program writes a message again when a tool has answered, and
    what was imported before must not differ then.
    """
    kind = text_or_none(value.get("type")) or text_or_none(value.get("role")) or "unknown"
    time = read_time(value.get("timestamp") or value.get("ts"))
    parts = google_parts(value.get("content") or value.get("parts"))
    for thought in list_of(value.get("thoughts")):
        parts.think(_thought(thought))
    model = text_or_none(value.get("model"))
    unread = {name: item for name, item in value.items() if name not in _READ}
    shown = value.get("displayContent")
    if shown is not None and shown != value.get("content"):
        unread["display"] = google_parts(shown).fields()["content"]
    fields: dict[str, Json] = {"timestamp": time, "model": model}
    role = "user" if kind == "user" else "assistant" if kind in _MODEL else "system"
    if role == "system":
        fields["meta"] = "notification"
        unread["kind"] = kind
    elif role == "user" and parts.fields()["content"] == _CONTINUE:
        fields["meta"] = "notification"
    fields["extra"] = non_empty(unread)
    calls = list_of(value.get("toolCalls"))
    if parts.is_empty and not parts.results and not calls:
        yield Skipped(line, f"{kind} message without content")
    yield from talk.message(line, id, role, parts, fields)
    for number, call in enumerate(calls, 1):
        if isinstance(call, dict):
            yield from _call(line, talk, f"{id}:call-{number}", call, (time, model))
    tokens = value.get("tokens")
    if isinstance(tokens, dict):
        counts = {
            "input_tokens": plus(
                without(tokens.get("input"), tokens.get("cached")), tokens.get("tool")
            ),
            "output_tokens": plus(tokens.get("output"), tokens.get("thoughts")),
            "cache_read_tokens": tokens.get("cached"),
            "reasoning_tokens": tokens.get("thoughts"),
        }
        yield from usage(line, talk.session, id, counts, time, model=model)


def _call(
    line: int,
    talk: Conversation,
    place: str,
    call: dict[str, Json],
    of: tuple[SourceTime, str | None],
) -> Iterator[Item]:
    """Yield a tool call, and its result once the program has written it."""
    time, model = of
    id = text_or_none(call.get("id")) or place
    parts = Parts()
    parts.call(id, call.get("name"), call.get("args"))
    shared = {"timestamp": time}
    yield from talk.message(line, id, "assistant", parts, {"model": model, **shared})
    status = text_or_none(call.get("status"))
    found = _result(call, id)
    if found is None:
        return
    error = True if status in ("error", "cancelled") else found.error
    result = Result(id, found.name or text_or_none(call.get("name")), found.content, error)
    extra = {"status": status} if status not in (None, "success") else None
    yield talk.result(line, f"{id}:output", result, {**shared, "extra": extra})


def _result(call: dict[str, Json], id: str) -> Result | None:
    for part in list_of(call.get("result")):
        if isinstance(part, dict) and isinstance(part.get("functionResponse"), dict):
            return google_result(part["functionResponse"])
    shown = call.get("result") or call.get("resultDisplay")
    return None if shown in (None, "", []) else Result(id, None, output(shown))


def _thought(thought: Json) -> str | None:
    if not isinstance(thought, dict):
        return text_or_none(thought)
    texts = (text_or_none(thought.get(name)) for name in ("subject", "description", "text"))
    return ": ".join(filter(None, texts)) or None
