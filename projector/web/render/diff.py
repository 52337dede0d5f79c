"""Changes of files: from two texts, and from patches."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from projector.web.render.blocks import Diff, DiffLine

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOWN = 400
"""Lines of a diff that are shown."""
_COMPARED = 800
"""Lines of the longest text that is compared: it takes quadratic time in the worst case."""
_CONTEXT = 3
"""Lines around a change."""
_GAP = DiffLine("@", "")
_FILE = re.compile(r"\*\*\* (?:Update|Add|Delete) File: ([^\n]+)")
_MARKS = ("*** ", "diff --git ", "index ", "new file", "deleted file", "similarity ", "rename ")


def changed(path: str, before: str, after: str, *, whole: bool = False) -> Diff:
    """Return the change from one text to another; all of its lines if it is to be whole."""
    old, new = _lines(before), _lines(after)
    if max(len(old), len(new)) > _COMPARED or not old or not new:
        lines = [DiffLine("-", line) for line in old] + [DiffLine("+", line) for line in new]
    else:
        lines = list(_compared(old, new))
    return _diff(path, lines, whole=whole)


def patched(text: str, *, whole: bool = False) -> list[Diff]:
    """Return the changes of a patch, of the kind of `diff -u` or of Codex; empty if it is none."""
    found: list[Diff] = []
    path, lines = "", list[DiffLine]()

    def end() -> None:
        if any(line.sign in "+-" for line in lines):
            found.append(_diff(path, [*lines], whole=whole))
        lines.clear()

    source = text.split("\n")
    for at, line in enumerate(source):
        named = _FILE.match(line)
        if named is not None or line.startswith("diff --git "):
            end()
            path = named[1] if named is not None else ""
        elif line.startswith("--- ") and at + 1 < len(source) and source[at + 1].startswith("+++ "):
            end()
            path = _name(line, source[at + 1])
        elif line.startswith("@@"):
            if lines:
                lines.append(_GAP)
        elif line.startswith(_MARKS) or (line.startswith("+++ ") and not lines):
            continue
        elif path and line[:1] in {"+", "-", " "}:
            lines.append(DiffLine(line[:1], line[1:]))  # type: ignore[arg-type] # one of the three
    end()
    return found


def is_patch(text: str) -> bool:
    """Return whether a text is a patch."""
    return "*** Begin Patch" in text or ("\n+++ " in text and "\n@@ " in text)


def _name(before: str, after: str) -> str:
    """Return the file of the two lines that name it in a unified diff."""
    old, new = (line[4:].partition("\t")[0] for line in (before, after))
    name = old if new == "/dev/null" else new
    return name.removeprefix("a/" if new == "/dev/null" else "b/")


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _compared(old: list[str], new: list[str]) -> Iterator[DiffLine]:
    groups = SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(_CONTEXT)
    for number, group in enumerate(groups):
        if number:
            yield _GAP
        for kind, first, last, begin, end in group:
            if kind == "equal":
                yield from (DiffLine(" ", line) for line in old[first:last])
            else:
                yield from (DiffLine("-", line) for line in old[first:last])
                yield from (DiffLine("+", line) for line in new[begin:end])


def _diff(path: str, lines: list[DiffLine], *, whole: bool) -> Diff:
    added, removed = (sum(line.sign == sign for line in lines) for sign in "+-")
    shown = lines if whole else lines[:SHOWN]
    return Diff(path, added, removed, tuple(shown), len(lines) - len(shown))
