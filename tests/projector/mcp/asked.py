"""Helpers that call tools, and take answers apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from projector.mcp.asking import Client
from projector.mcp.recall import Recall
from projector.mcp.text.cursor import Pages
from projector.mcp.tools.registry import call, tools
from projector.projection import Projection

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = Client({}, None)
_BEGIN = re.compile(r"--- record ([0-9a-f]+): a record of past conversations: .* ---")
_CURSOR = re.compile(r'^Next: cursor="([^"]+)"$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, taken apart.

    Attributes:
        text: all of it.
        head: the lines before the record.
        record: the lines of the record.
        tail: the lines behind it.
    """

    text: str
    head: tuple[str, ...]
    record: tuple[str, ...]
    tail: tuple[str, ...]

    @property
    def cursor(self) -> str | None:
        """Where the next page begins; None if there is none."""
        found = _CURSOR.search("\n".join(self.tail))
        return None if found is None else found[1]

    @property
    def heads(self) -> list[str]:
        """The lines of the record that begin a session or a message."""
        return [line for line in self.record if line.startswith(("* ", "["))]

    @property
    def texts(self) -> str:
        """What was said, without its indent."""
        return "\n".join(line[2:] for line in self.record if line.startswith("  "))


def taken_apart(text: str) -> Answer:
    """Take an answer apart; fail if the marks of its record are not one pair."""
    lines = text.split("\n")
    begins = [at for at, line in enumerate(lines) if _BEGIN.fullmatch(line)]
    if not begins:
        return Answer(text, tuple(lines), (), ())
    found = _BEGIN.fullmatch(lines[begins[0]])
    assert found is not None
    end = f"--- end of record {found[1]} ---"
    assert text.count(found[1]) == 2, text
    assert len(begins) == lines.count(end) == 1, text
    first, last = begins[0], lines.index(end)
    return Answer(
        text, tuple(lines[:first]), tuple(lines[first + 1 : last]), tuple(lines[last + 1 :])
    )


class Asking:
    """Calls tools of one journal.

    Args:
        path: the journal's folder.
        client: who calls.
    """

    def __init__(self, path: Path, client: Client = NOBODY) -> None:
        self._path = path
        self._client = client
        self._pages = Pages()

    def __enter__(self) -> Self:
        self._projection = Projection.open(self._path)
        return self

    def __exit__(self, *_: object) -> None:
        self._projection.close()

    def raw(self, tool: str, **arguments: object) -> tuple[str, bool]:
        """Call a tool; return its answer, and whether it is an error."""
        meta: Any = arguments.pop("meta", {})
        recall = Recall(self._path, self._projection, self._client, meta, self._pages)
        return call(tools(notes=True)[tool], recall, arguments)

    def __call__(self, tool: str, **arguments: object) -> Answer:
        """Call a tool, which must answer."""
        text, is_error = self.raw(tool, **arguments)
        assert not is_error, text
        return taken_apart(text)


def ask(path: Path, tool: str, client: Client = NOBODY, **arguments: object) -> Answer:
    """Call a tool, which must answer."""
    with Asking(path, client) as asking:
        return asking(tool, **arguments)


def refusal(path: Path, tool: str, **arguments: object) -> str:
    """Call a tool, which must refuse; return why."""
    with Asking(path) as asking:
        text, is_error = asking.raw(tool, **arguments)
    assert is_error, text
    return text
