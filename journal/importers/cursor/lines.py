"""Transcripts of Cursor's agents: `~/.cursor/projects/<project>/agent-transcripts/**/*.jsonl`.

A line is `{"role", "message": {"content": [...]}}`, without an id and without a time. Its id is its
place with its fingerprint; its time is that of the file, marked as estimated. What a person typed
is within `<user_query>`; the text around it was put there by Cursor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from journal.importers.parsing.conversation import Conversation
from journal.importers.parsing.events import key, placeholder
from journal.importers.parsing.parser import SessionStart, Skipped
from journal.importers.parsing.parts import Parts, blocks
from journal.importers.parsing.values import fingerprint, non_empty, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json

SOURCE = "cursor"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_BEGIN, _END = "<user_query>", "</user_query>"
_FOLDER, _SUBAGENTS = "agent-transcripts", "subagents"


@dataclass(slots=True)
class CursorLines:
    """The parser of one transcript."""

    equal_is_same: ClassVar[bool] = False
    location: Location
    _talk: Conversation | None = None
    _dated: bool = field(default=False)

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:
        """Handle the value of one line."""
        talk = self._talk
        if talk is None:
            talk = self._talk = Conversation(self._session(raw or b""), SOURCE)
            yield from self._begin(line, talk)
        message = value.get("message") if isinstance(value, dict) else None
        role = text_or_none(value.get("role")) if isinstance(value, dict) else None
        if role is None or not isinstance(message, dict):
            kind = value.get("type") if isinstance(value, dict) else None
            yield Skipped(line, kind if isinstance(kind, str) and kind else "no type")
            return
        id = f"line-{line}-{fingerprint(raw or b'')[:16]}"
        parts = blocks(message.get("content"))
        around = _unwrap(parts) if role == "user" else Parts()
        model = text_or_none(value.get("model"))
        yield from talk.message(line, id, role, parts, {"model": model})
        yield from talk.message(line, f"{id}:context", role, around, {"meta": "environment"})

    def left_out(self, line: int, size: int, id: str) -> Iterator[Item]:
        """Yield a message in place of a line that is too long to be read."""
        talk = self._talk
        if talk is None:
            talk = self._talk = Conversation(self._session(id.encode()), SOURCE)
            yield from self._begin(line, talk)
        yield from placeholder(line, talk.session, id, size, SOURCE)

    def end(self) -> Iterator[Item]:
        """Nothing waits for a later line."""
        return iter(())

    def _session(self, first: bytes) -> str:
        """Return the session: the file's name, and for a name that is no id its first line, too.

        So a file keeps its session when it is moved.
        """
        stem = self.location.stem or "transcript"
        folders = self.location.folders
        nested = folders[:1] == (_SUBAGENTS,) and any(map(_UUID.match, folders[1:]))
        if nested or _FOLDER in folders or _UUID.match(stem):
            return key(stem)
        return key(f"{stem}-{fingerprint(first)[:8]}")

    def _begin(self, line: int, talk: Conversation) -> Iterator[Item]:
        folders = (*self.location.folders, "", "")
        parent = folders[1] if folders[0] == _SUBAGENTS else None
        project = folders[1] if folders[0] == _FOLDER else None
        yield talk.created(
            line,
            parent=parent if parent and _UUID.match(parent) else None,
            relation=None if parent is None else "subagent",
            extra=non_empty({"project": project}),
        )
        if self.location.modified is not None:
            yield SessionStart(line, talk.session, self.location.modified)


def _unwrap(parts: Parts) -> Parts:
    """Leave what a person typed in the parts of a message; return the text around it."""
    around = Parts()
    kept: list[Json] = []
    for part in parts.content:
        text = part.get("text") if isinstance(part, dict) else None
        if not isinstance(text, str) or _BEGIN not in text:
            kept.append(part)
            continue
        typed, rest = _typed(text)
        kept += ({"type": "text", "text": one} for one in typed if one)
        around.text(rest)
    parts.content = kept
    return around


def _typed(text: str) -> tuple[list[str], str]:
    """Return what is within each `<user_query>`, and the text around it."""
    first, *pieces = text.split(_BEGIN)
    typed: list[str] = []
    rest = [first]
    for piece in pieces:
        own, _, after = piece.partition(_END)
        typed.append(own.strip("\n"))
        rest.append(after)
    return typed, "".join(rest).strip()
