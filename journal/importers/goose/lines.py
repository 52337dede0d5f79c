"""The JSON lines of Goose before 1.10: a line about the session, then a line for each message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.format.event_types import SESSION_TITLED
from journal.importers.goose.message import SOURCE, message_items
from journal.importers.parsing.conversation import Conversation, OneSession
from journal.importers.parsing.events import fact, key
from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.values import fingerprint, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json


@dataclass(slots=True)
class GooseLines(OneSession):
    """The parser of one session; without a first line its file is named after it."""

    def __post_init__(self) -> None:
        self._talk = Conversation(key(self.location.stem or self.location.name), SOURCE)

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:
        """Handle the value of one line."""
        if not isinstance(value, dict):
            yield Skipped(line, "JSON, but no object")
        elif "working_dir" in value and "role" not in value:
            yield from self._head(line, value)
        elif isinstance(value.get("content"), list):
            own = text_or_none(value.get("id"))
            own = own or f"line-{line}-{fingerprint(raw or b'')[:16]}"
            fields = {"id": own, "role": value.get("role"), "metadata": value.get("metadata")}
            time = read_time(value.get("created"))
            yield from message_items(line, self._talk, fields, value["content"], time)
        else:
            kind = value.get("type")
            yield Skipped(line, kind if isinstance(kind, str) and kind else "no type")

    def _head(self, line: int, value: dict[str, Json]) -> Iterator[Item]:
        if (id := text_or_none(value.get("id"))) is not None:
            self._talk = Conversation(key(id), SOURCE)
        cwd, started = text_or_none(value.get("working_dir")), read_time(value.get("created_at"))
        yield self._talk.created(line, cwd=cwd, started=started)
        title = text_or_none(value.get("description"))
        if title is not None:
            yield fact(line, self._talk.session, SESSION_TITLED, {"title": title})
