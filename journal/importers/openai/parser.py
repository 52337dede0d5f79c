"""Lists of role/content messages, as chat APIs take them and many programs save them.

It reads a list of messages, an object that has one under any name, a list of such objects or lists,
as one JSON document or one a line; and JSON lines of one message each, which are one conversation.
A text that renders a conversation ("user: ...") is split into messages.

A conversation's id is its wrapper's own, else its place: the file, and its number in it. A
message's id is its own, else its number in the conversation. A message without a time names the one
before as its parent, so that the order is kept whatever else is appended to the session.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from journal.format.event_types import SESSION_CREATED
from journal.importers.files.decode import too_deep
from journal.importers.openai.message import message_data, with_role
from journal.importers.openai.wrapping import Wrapped, is_message, unwrap
from journal.importers.parsing.events import fact, message, placeholder
from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.values import non_empty, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json

SOURCE = "openai"
_IDS = ("id", "session_id", "conversation_id", "chat_id", "uuid")
_FACTS = {"title": "title", "model": "model", "cwd": "cwd", "source": "source"}
_SMALL = 4096
"""Maximum characters of a wrapper's value that is stored with the session."""


@dataclass(slots=True)
class Conversation:
    """One conversation, as far as it was read."""

    session: str
    source: str = SOURCE
    _count: int = 0
    _before: str | None = None

    def take(self, line: int, value: Json) -> Iterator[Item]:
        """Handle the next message."""
        index, self._count = self._count, self._count + 1
        if not isinstance(value, dict) or text_or_none(value.get("role")) is None:
            yield Skipped(line, "no message: it has no role")
            return
        id = text_or_none(value.get("id")) or str(index)
        data = message_data(value)
        data["source"] = self.source
        if data["timestamp"].micros is None:
            data["parent"] = self._before
        self._before = id
        yield message(line, self.session, id, data)


@dataclass(slots=True)
class OpenAI:
    """The parser of one file of JSON lines, or of one list of conversations."""

    equal_is_same: ClassVar[bool] = False
    location: Location
    _lines: Conversation | None = None  # the conversation of lines of one message each
    _conversations: int = 0

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:  # noqa: ARG002 - ids are made of the place, as the protocol allows
        """Handle one line: a message, or a whole conversation."""
        if self._lines is not None and isinstance(value, dict) and "role" not in value:
            value = with_role(value)
        if isinstance(value, dict) and text_or_none(value.get("role")) is not None:
            if not is_message(value):
                yield Skipped(line, "no message: it has a role, but no content")
                return
            if self._lines is None:
                self._lines = Conversation(self.location.name)
                yield fact(line, self.location.name, SESSION_CREATED, {"source": SOURCE})
            yield from self._lines.take(line, value)
            return
        name = f"{self.location.name}-{self._conversations}"
        found = unwrap(value)
        if found is None:
            yield Skipped(line, "neither a message nor a list of them")
            return
        self._conversations += 1
        yield from conversation(line, found, name)

    def left_out(self, line: int, size: int, id: str) -> Iterator[Item]:
        """Yield a message in place of a line that is too long to be read."""
        return placeholder(line, self.location.name, id, size, SOURCE)

    def end(self) -> Iterator[Item]:
        """Yield nothing: no item waits for a later line."""
        return iter(())


def conversation(line: int, found: Wrapped, name: str) -> Iterator[Item]:
    """Yield a whole conversation, with the id of its wrapper, else of its place."""
    session = session_of(found.rest) or name
    yield from session_facts(line, session, found.rest)
    talk = Conversation(session, source_of(found.rest))
    for value in found.messages:
        yield from talk.take(line, value)


def session_of(rest: dict[str, Json]) -> str | None:
    """Return a wrapper's own id of its session."""
    return next(filter(None, (text_or_none(rest.get(name)) for name in _IDS)), None)


def source_of(rest: dict[str, Json]) -> str:
    """Return the program that a wrapper names as its source."""
    return text_or_none(rest.get("source")) or SOURCE


def session_facts(line: int, session: str, rest: dict[str, Json]) -> Iterator[Item]:
    """Yield the session event of a wrapper: values without a field are stored in `extra`."""
    facts: dict[str, Json] = {
        name: text_or_none(rest.get(source)) for source, name in _FACTS.items()
    }
    facts["source"] = source_of(rest)
    started = next((rest[name] for name in ("created_at", "created") if name in rest), None)
    facts["started"] = read_time(started)._replace(original=None)  # it is stored under its own name
    kept: dict[str, Json] = {}
    for key, value in rest.items():
        if key in _FACTS or (key in _IDS and value == session):
            continue
        if isinstance(value, list) or too_deep(value) or len(str(value)) > _SMALL:
            shape = "list" if isinstance(value, list) else "large value"
            yield Skipped(line, f"beside the messages: {key} ({shape})")
        else:
            kept[key] = value
    yield fact(line, session, SESSION_CREATED, {**facts, "extra": non_empty(kept)})
