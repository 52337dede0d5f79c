"""Qwen Code's recordings: `~/.qwen/projects/<project>/chats/<session>.jsonl`.

A line is `{uuid, parentUuid, sessionId, timestamp, type, message: {role, parts}}` with the parts of
Google's API. The lines are a tree: `/rewind` writes a line whose parent is further up, and what
follows it is the conversation (see `parsing.branches`).

Lines of type `system` are no messages, but titles, telemetry, slash commands and the like.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from journal.format.event_types import SESSION_TITLED
from journal.importers.parsing.branches import Branches
from journal.importers.parsing.conversation import Conversation
from journal.importers.parsing.events import fact, placeholder
from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.parts import Parts, Result, google_parts
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.usage import plus, usage, without
from journal.importers.parsing.values import fingerprint, non_empty, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json

SOURCE = "qwen-code"
_ROLES = {"user": "user", "assistant": "assistant", "tool_result": "tool"}
_TYPED = (None, "mid_turn_user_message")
"""Subtypes of user lines that a person typed."""
_KEPT = ("version", "subtype", "cwd")


@dataclass(slots=True)
class QwenCode:
    """The parser of one recording.

    Attributes:
        location: the file.
    """

    equal_is_same: ClassVar[bool] = True
    location: Location
    _talks: dict[str, Conversation] = field(default_factory=dict)
    _branches: Branches = field(default_factory=Branches)

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:
        """Handle one line."""
        if not isinstance(value, dict):
            yield Skipped(line, "JSON, but no object")
            return
        made = f"line-{line}" if raw is None else fingerprint(raw)
        id = text_or_none(value.get("uuid")) or made
        session = text_or_none(value.get("sessionId")) or self.location.name
        yield from self._branches.take(line, id, text_or_none(value.get("parentUuid")))
        talk = self._talks.get(session)
        if talk is None:
            talk = self._talks[session] = Conversation(session, SOURCE)
            yield talk.created(
                line,
                cwd=text_or_none(value.get("cwd")),
                branch=text_or_none(value.get("gitBranch")),
                extra=non_empty({"version": value.get("version")}),
            )
        kind = text_or_none(value.get("type")) or "no type"
        if kind in _ROLES:
            yield from self._message(line, talk, id, value)
        elif kind == "system":
            yield from self._system(line, talk, id, value)
        else:
            yield Skipped(line, f"{kind} line")

    def left_out(self, line: int, size: int, id: str) -> Iterator[Item]:
        """Yield a message in place of a line that is too long to be read."""
        session = next(iter(self._talks), self.location.name)
        return placeholder(line, session, id, size, SOURCE)

    def end(self) -> Iterator[Item]:
        """Yield nothing: no item waits for a later line."""
        return iter(())

    def _message(
        self, line: int, talk: Conversation, id: str, value: dict[str, Json]
    ) -> Iterator[Item]:
        kind = value["type"]
        body = value.get("message")
        body = body if isinstance(body, dict) else {}
        parts = google_parts(body.get("parts") or body.get("content"))
        time = read_time(value.get("timestamp"))
        subtype = text_or_none(value.get("subtype"))
        fields: dict[str, Json] = {
            "timestamp": time,
            "model": text_or_none(value.get("model")),
            "extra": non_empty({name: value.get(name) for name in _KEPT}),
        }
        if kind == "user" and subtype not in _TYPED:
            fields["meta"] = subtype
        shown = _displayed(value)
        if kind == "user" and shown is not None:
            parts = _typed(parts, shown)
        if parts.is_empty and not parts.results:
            yield Skipped(line, f"{kind} line without content")
        if kind == "tool_result":
            parts.results = [_with_status(result, value) for result in parts.results]
        yield from talk.message(line, id, _ROLES[kind], parts, fields)
        used = value.get("usageMetadata")
        if isinstance(used, dict):
            cached, thoughts = used.get("cachedContentTokenCount"), used.get("thoughtsTokenCount")
            counts = {
                "input_tokens": without(used.get("promptTokenCount"), cached),
                "output_tokens": plus(used.get("candidatesTokenCount"), thoughts),
                "cache_read_tokens": cached,
                "reasoning_tokens": thoughts,
            }
            yield from usage(line, talk.session, id, counts, time, model=value.get("model"))

    def _system(
        self, line: int, talk: Conversation, id: str, value: dict[str, Json]
    ) -> Iterator[Item]:
        subtype = text_or_none(value.get("subtype")) or "no subtype"
        payload = value.get("systemPayload")
        payload = payload if isinstance(payload, dict) else {}
        if subtype == "custom_title" and text_or_none(payload.get("customTitle")):
            yield fact(line, talk.session, SESSION_TITLED, {"title": payload["customTitle"]})
        elif subtype == "slash_command" and text_or_none(payload.get("rawCommand")):
            parts = Parts()
            parts.text(payload["rawCommand"])
            fields = {"timestamp": read_time(value.get("timestamp")), "meta": "command"}
            yield from talk.message(line, id, "user", parts, fields)
        else:
            yield Skipped(line, f"system/{subtype}")


def _displayed(value: dict[str, Json]) -> str | None:
    """Return what the user saw himself write, if the line has it."""
    payload = value.get("systemPayload")
    return text_or_none(payload.get("displayText")) if isinstance(payload, dict) else None


def _typed(parts: Parts, shown: str) -> Parts:
    """Mark the parts beside the one that the user typed: hooks and the like add them."""
    texts = [part.get("text") for part in parts.content]
    if shown in texts and len(texts) > 1:
        parts.content = [
            part if part.get("text") == shown else {**part, "meta": "environment"}
            for part in parts.content
        ]
    return parts


def _with_status(result: Result, value: dict[str, Json]) -> Result:
    """Add the status that the line has beside the result."""
    beside = value.get("toolCallResult")
    status = beside.get("status") if isinstance(beside, dict) else None
    if not isinstance(status, str):
        return result
    failed = status in ("error", "cancelled")
    return Result(result.call, result.name, result.content, failed, result.exit_code)
