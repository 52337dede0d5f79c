"""Aider's `.aider.chat.history.md`: Markdown that grows, with all chats of a folder.

`# aider chat started at <time>` begins a chat. Lines with `#### ` are what the person wrote, lines
with `> ` what the program printed, and all else is the answer of the model; within a code fence of
an answer there are no marks. A message is known to be complete when another one begins.

Only the beginning of a chat has a time, without a zone; it is read as UTC, and the messages have it
as an estimate. The tokens and the cost that the program prints are rounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.importers.parsing.conversation import Conversation, OneSession
from journal.importers.parsing.parser import SessionStart
from journal.importers.parsing.parts import Parts
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.usage import usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json

SOURCE = "aider"
_START = re.compile(r"# aider chat started at ([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8})")
_PROMPT = re.compile(r"####(?: |$)")
_PRINTED = re.compile(r"> ?")
_MODEL = re.compile(r"(?:Main model|Model): (\S+)")
_NUMBER = r"([0-9.,]{1,12}k?)"
_TOKENS = re.compile(
    rf"Tokens: {_NUMBER} sent,(?: {_NUMBER} cache write,)?(?: {_NUMBER} cache hit,)?"
    rf" {_NUMBER} received\.(?: Cost: \$([0-9.]{{1,12}}) message)?"
)
_BLANK = "<blank>"
_FENCE = "```"
_ROLES = {"user": None, "assistant": None, "system": "notification"}
"""The roles, and the `meta` of each."""


@dataclass(slots=True)
class Aider(OneSession):
    """The parser of one file.

    Attributes:
        location: the file.
        waiting: number of the first line of the message that may not be complete; 0 if none waits.
    """

    waiting: int = 0
    _role: str = ""
    _texts: list[str] = field(default_factory=list)
    _last: int = 0  # number of the last line of the message
    _fenced: bool = False
    _starts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._talk = Conversation(self.location.name, SOURCE)

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:  # noqa: ARG002 - ids are made of the place
        """Handle one line, as text."""
        text = str(value)
        start = None if self._fenced else _START.match(text)
        if start is not None:
            yield from self._message()
            yield from self._begin(line, start[1])
            return
        role, plain = self._sort(text)
        if role != self._role and (plain.strip() or self._role != "assistant"):
            if not plain.strip():
                return  # between two messages
            yield from self._message()
            self._role, self.waiting = role, line
        self._texts.append(plain)
        self._last = line

    def end(self) -> Iterator[Item]:
        """Yield the message at the end of the file."""
        return self._message()

    def _sort(self, text: str) -> tuple[str, str]:
        """Return the role of a line, and the line without its mark."""
        if not self._fenced:
            for role, mark in (("user", _PROMPT), ("system", _PRINTED)):
                if found := mark.match(text):
                    plain = text[found.end() :].rstrip()
                    return role, "" if plain == _BLANK else plain
        if text.lstrip().startswith(_FENCE):
            self._fenced = not self._fenced
        return "assistant", text

    def _begin(self, line: int, stamp: str) -> Iterator[Item]:
        """Yield a new chat; two of the same second are numbered."""
        self._fenced = False
        count = self._starts[stamp] = self._starts.get(stamp, 0) + 1
        again = "" if count == 1 else f"-{count}"
        name = f"{self.location.name}-{stamp.replace(' ', 'T')}{again}".lstrip(".")
        self._talk = Conversation(name, SOURCE)
        started = read_time(f"{stamp}Z")
        if started.micros is not None:
            yield SessionStart(line, name, started.micros)
        folder = self.location.folders[0] if self.location.folders else None
        extra = None if folder is None else {"folder": folder}
        yield self._talk.created(line, started=started, extra=extra)

    def _message(self) -> Iterator[Item]:
        """Yield the message whose lines were read."""
        first, last, role = self.waiting, self._last, self._role
        text = "\n".join(self._texts).strip("\n")
        self._texts.clear()
        self.waiting, self._role = 0, ""
        if not text.strip():
            return
        parts = Parts()
        parts.text(text)
        session = self._talk.session
        if role == "system":
            if model := _MODEL.search(text):
                yield from self._talk.model(last, model[1])
            for number, used in enumerate(_TOKENS.finditer(text)):
                sent, written, hit, received, cost = used.groups()
                counts = {
                    "input_tokens": _count(sent),
                    "output_tokens": _count(received),
                    "cache_read_tokens": _count(hit),
                    "cache_write_tokens": _count(written),
                }
                call = f"line-{first}-{number}"
                yield from usage(last, session, call, counts, cost=_amount(cost))
        fields = {"meta": _ROLES[role]}
        yield from self._talk.message(last, f"line-{first}", role, parts, fields)


def _count(text: str | None) -> int | None:
    """Return a printed count, such as 2.1k; None if it is no number."""
    if text is None:
        return None
    try:
        number = float(text.removesuffix("k").replace(",", ""))
    except ValueError:
        return None
    return round(number * (1000 if text.endswith("k") else 1))


def _amount(text: str | None) -> float | None:
    try:
        return None if text is None else float(text.rstrip("."))
    except ValueError:
        return None
