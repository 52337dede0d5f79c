"""A chat of VS Code: its facts, and the parser of its log of operations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from journal.format.event_types import MESSAGE_APPENDED, MESSAGE_ARCHIVED, SESSION_TITLED
from journal.importers.parsing.conversation import Conversation
from journal.importers.parsing.events import fact, key, placeholder
from journal.importers.parsing.parser import Found, Skipped
from journal.importers.parsing.snapshots import Snapshots
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.values import object_of, text_or_none
from journal.importers.vscode_chat.operations import KINDS, changed
from journal.importers.vscode_chat.request import SOURCE, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json


def conversation(chat: dict[str, Json], location: Location) -> Conversation:
    """Return the conversation of a chat; without an id it is named after its file."""
    return Conversation(key(text_or_none(chat.get("sessionId")) or location.name), SOURCE)


def facts(line: int, talk: Conversation, chat: dict[str, Json]) -> Iterator[Item]:
    """Yield the facts of a chat."""
    yield talk.created(line, started=read_time(chat.get("creationDate")))
    title = text_or_none(chat.get("customTitle"))
    if title is not None:
        yield fact(line, talk.session, SESSION_TITLED, {"title": title})


@dataclass(slots=True)
class ChatLog:
    """The parser of one log of operations.

    A response is read when it is complete: VS Code writes it in many pieces.
    """

    equal_is_same: ClassVar[bool] = True
    location: Location
    _chat: dict[str, Json] = field(default_factory=dict)
    _talk: Conversation | None = None
    _title: str | None = None
    _snapshots: Snapshots = field(default_factory=Snapshots)
    _messages: dict[str, list[str]] = field(default_factory=dict)  # by the id of the request

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:
        """Handle the value of one line."""
        del raw
        if not isinstance(value, dict) or value.get("kind") not in KINDS:
            yield Skipped(line, "no operation on a chat")
            return
        try:
            chat = changed(self._chat, value)
        except (LookupError, TypeError):
            yield Skipped(line, "operation on something that is not there")
            return
        if not isinstance(chat, dict):
            yield Skipped(line, "chat that is no object")
            return
        self._chat = chat
        if self._talk is None:
            self._talk = conversation(chat, self.location)
            yield from facts(line, self._talk, chat)
            self._title = text_or_none(chat.get("customTitle"))
        title = text_or_none(chat.get("customTitle"))
        if title is not None and title != self._title:
            self._title = title
            yield fact(line, self._talk.session, SESSION_TITLED, {"title": title})
        path = value.get("k") or ["requests"]
        if path[0] == "requests":
            yield from self._requests(line, self._talk, path, last=False)

    def left_out(self, line: int, size: int, id: str) -> Iterator[Item]:
        """Yield a message in place of a line that is too long to be read."""
        session = self._talk.session if self._talk is not None else key(self.location.name)
        return placeholder(line, session, id, size, SOURCE)

    def end(self) -> Iterator[Item]:
        """Yield the response that is not complete."""
        if self._talk is not None:
            yield from self._requests(0, self._talk, ["requests"], last=True)

    def _requests(
        self, line: int, talk: Conversation, path: list[Json], *, last: bool
    ) -> Iterator[Item]:
        """Yield what is new in the requests: in that of a path, or in all of them."""
        found = self._chat.get("requests")
        requests = found if isinstance(found, list) else []
        whole = len(path) == 1
        place = path[1] if not whole and isinstance(path[1], int) else len(requests) - 1
        for number, value in enumerate(requests):
            if not whole and number != place:
                continue
            request = Request(line or 1, talk, object_of(value))
            items = [*request.prompt()]
            if request.is_answered or number < len(requests) - 1 or last:
                items += request.response()
            for item in self._snapshots.take(items):
                if isinstance(item, Found) and item.event["type"] == MESSAGE_APPENDED:
                    self._messages.setdefault(request.id or "", []).append(item.event["id"])
                yield item
        if whole:
            here = {value.get("requestId") for value in requests if isinstance(value, dict)}
            for gone in [id for id in self._messages if id not in here]:
                ids = {"messages": self._messages.pop(gone), "reason": "undone in VS Code"}
                yield fact(line or 1, talk.session, MESSAGE_ARCHIVED, ids)
