"""Long texts, with their middle left out."""

from __future__ import annotations

from typing import NamedTuple

from journal.errors import counted

_LINES = 24
_CHARACTERS = 4_000
"""A text that is longer in either way is folded."""
_HEAD = 12, 1_500
_TAIL = 4, 500
"""Lines and characters that stay at the beginning and at the end, whichever are fewer."""


class Folded(NamedTuple):
    """A text without its middle.

    Attributes:
        head: its first lines.
        hidden: what is left out, in words.
        tail: its last lines.
    """

    head: str
    hidden: str
    tail: str


def fold(text: str) -> Folded | None:
    """Return a long text without its middle; None for a text that is short enough."""
    if len(text) <= _CHARACTERS and text.count("\n") < _LINES:
        return None
    head = text[: min(_end_of_line(text, _HEAD[0]), _HEAD[1])]
    tail = text[max(_start_of_line(text, _TAIL[0]), len(text) - _TAIL[1]) :]
    # whole lines, where there are any
    head = head[: head.rfind("\n") + 1] or head
    if text[-len(tail) - 1] != "\n":
        tail = tail[tail.find("\n") + 1 :] or tail
    middle = text[len(head) : len(text) - len(tail)].removesuffix("\n")
    lines = counted(middle.count("\n") + 1, "line")
    size = counted(len(middle.encode(errors="surrogatepass")), "byte")
    return Folded(head.removesuffix("\n"), f"{lines}, {size}", tail)


def _end_of_line(text: str, number: int) -> int:
    """Return where the first lines of a text end, with their newline."""
    end = 0
    for _ in range(number):
        end = text.find("\n", end) + 1
        if not end:
            return len(text)
    return end


def _start_of_line(text: str, number: int) -> int:
    """Return where the last lines of a text begin."""
    start = len(text) + 1
    for _ in range(number):
        start = text.rfind("\n", 0, start - 1) + 1
        if not start:
            return 0
    return start
