"""Gemini CLI's recordings: `~/.gemini/tmp/<project>/chats/session-<time>-<id>.json` or `.jsonl`.

The older form is one document with a list of messages, which the program writes again as a whole.
The newer one is a log that is replayed: a first line about the session, then messages, of which a
later one with the same id replaces the earlier; `$set` changes fields of the session, among them
the list of messages; `$rewindTo` retracts a message and all after it. A session that is resumed
changes from the first form to the second, with the same ids.

Retracted messages are archived: they are not in the transcript, and searches find them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.format.event_types import MESSAGE_APPENDED, MESSAGE_ARCHIVED, MESSAGE_RESTORED
from journal.importers.gemini_cli.message import message_items
from journal.importers.parsing.conversation import Conversation, OneSession
from journal.importers.parsing.events import fact
from journal.importers.parsing.parser import Found, Skipped
from journal.importers.parsing.snapshots import Snapshots
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.values import non_empty, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json

SOURCE = "gemini-cli"
_CHATS = "chats"
_FACTS = ("sessionId", "startTime", "start_time", "summary", "kind", "messages", "history")
_CHANGING = ("lastUpdated",)
"""Fields that differ in each writing of a session, and mean nothing to a reader."""
_LISTED = 5_000


@dataclass(slots=True)
class GeminiCli(OneSession):
    """The parser of one recording.

    Attributes:
        location: the file.
    """

    _snapshots: Snapshots = field(default_factory=Snapshots)
    _live: dict[str, list[str]] = field(default_factory=dict)  # keys of the events by message
    _keys: dict[str, list[str]] = field(default_factory=dict)  # the same, of retracted ones too
    _count: int = 0

    def __post_init__(self) -> None:
        self._talk = Conversation(self.location.name, SOURCE)

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:  # noqa: ARG002 - ids are the source's own
        """Handle one line of a log."""
        if not isinstance(value, dict):
            yield Skipped(line, "JSON, but no object")
        elif isinstance(changes := value.get("$set"), dict):
            yield from self._set(line, changes)
        elif "$rewindTo" in value:
            yield from self._rewind(line, value["$rewindTo"])
        elif "type" in value or "role" in value:
            yield from self.message(line, value)
        elif "sessionId" in value:
            yield from self.begin(line, value)
        else:
            names = ", ".join(sorted(value))
            yield Skipped(line, f"unknown line: {names}")

    def begin(self, line: int, value: dict[str, Json]) -> Iterator[Item]:
        """Yield the session, from the fields beside its messages."""
        session = text_or_none(value.get("sessionId"))
        if session is not None:
            self._talk.session = session
        kept = {
            name: item
            for name, item in value.items()
            if name not in (*_FACTS, *_CHANGING) and len(str(item)) < _LISTED
        }
        folder = self.location.folders[0] if self.location.folders else _CHATS
        agent = value.get("kind") == "subagent"
        yield self._talk.created(
            line,
            title=text_or_none(value.get("summary")),
            started=read_time(value.get("startTime") or value.get("start_time")),
            parent=folder if agent and folder != _CHATS else None,
            relation="subagent" if agent else None,
            extra=non_empty(kept),
        )

    def message(self, line: int, value: Json) -> Iterator[Item]:
        """Yield a message, or what changed since it was written before."""
        self._count += 1
        if not isinstance(value, dict):
            yield Skipped(line, "no message: it is no object")
            return
        id = text_or_none(value.get("id")) or str(self._count)
        keys = self._keys.setdefault(id, [])
        returns = id not in self._live and bool(keys)
        self._live[id] = keys
        for item in self._snapshots.take(message_items(line, self._talk, id, value)):
            if isinstance(item, Found) and item.event["type"] == MESSAGE_APPENDED:
                keys.append(item.event["id"])
            yield item
        if returns:
            yield self._moved(line, MESSAGE_RESTORED, keys)

    def _set(self, line: int, changes: dict[str, Json]) -> Iterator[Item]:
        """Handle changed fields of the session; a list of messages replaces that before it."""
        messages = changes.get("messages")
        facts = {name: item for name, item in changes.items() if name not in _CHANGING}
        if facts.keys() - {"messages"}:
            yield from self.begin(line, facts)
        if not isinstance(messages, list):
            return
        self._count = 0
        for value in messages:
            yield from self.message(line, value)
        named = [value.get("id") for value in messages if isinstance(value, dict)]
        ids = [text_or_none(id) or str(number) for number, id in enumerate(named, 1)]
        gone = [keys for id, keys in self._live.items() if id not in ids]
        self._live = {id: self._keys[id] for id in ids if id in self._keys}
        yield from self._archive(line, gone)

    def _rewind(self, line: int, to: Json) -> Iterator[Item]:
        ids = list(self._live)
        if to not in ids:
            yield Skipped(line, "$rewindTo: a message that is not in the file")
            return
        gone = [self._live.pop(id) for id in ids[ids.index(to) :]]
        yield from self._archive(line, gone)

    def _archive(self, line: int, gone: list[list[str]]) -> Iterator[Item]:
        keys = [key for group in gone for key in group]
        for start in range(0, len(keys), _LISTED):
            yield self._moved(line, MESSAGE_ARCHIVED, keys[start : start + _LISTED])

    def _moved(self, line: int, type: str, keys: list[str]) -> Found:
        """Return the event that archives or restores messages; no two lines give the same one."""
        data = {"messages": list(keys), "reason": "rewind", "extra": {"line": line}}
        return fact(line, self._talk.session, type, data)
