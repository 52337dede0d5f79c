"""What was redacted in an event, the marks, and when marks cover a text.

`docs/format.md` specifies it in the chapter Redaction.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import orjson

from journal.format.bounds import LARGEST, is_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MARK = re.compile(r"\[redacted:([a-z0-9-]{1,64}):([0-9a-f]{6})\]")
"""A mark: the kind of what it replaces, and the first digits of its keyed hash."""
BEGIN = "[redacted:"
"""The beginning of each mark."""
_BARE = "[redacted]"


def mark(kind: str, digits: str) -> str:
    """Return the text that replaces a secret.

    Args:
        kind: what it is, such as `aws-access-key`: 1 to 64 characters of `a-z`, `0-9` and `-`.
        digits: the first 6 hexadecimal digits of its keyed hash.

    Raises:
        ValueError: no reader would find such a mark.
    """
    found = f"[redacted:{kind}:{digits}]"
    if MARK.fullmatch(found) is None:
        raise ValueError(f"{found!r} is no mark: see `MARK`")
    return found


def without_marks(value: object) -> object:
    """Return a value with `[redacted]` in the place of each mark; the same object if it has none.

    So texts can be compared that were redacted with other keys, or as other kinds.
    """
    if isinstance(value, str):
        return MARK.sub(_BARE, value) if BEGIN in value else value
    if isinstance(value, list):
        items = [without_marks(item) for item in value]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    if isinstance(value, dict):
        found = {name: without_marks(item) for name, item in value.items()}
        return found if any(found[name] is not value[name] for name in value) else value
    return value


@dataclass(frozen=True, slots=True)
class Redacted:
    """What was redacted in an event before it was written.

    Attributes:
        key: id of the key of `original` and of the marks.
        original: keyed hash of the event before it was redacted; empty if it is not known.
        rules: name and version of the rules that found it.
        counts: how many values were redacted, by kind.
        content: of a message or a revision with a `content`, keyed hash of that before it was
            redacted; else empty.
    """

    key: str
    original: str
    rules: str
    counts: Mapping[str, int]
    content: str = ""

    @classmethod
    def of(cls, value: object) -> Self | None:
        """Return what a record's `redacted` says; None if a part is missing or of another kind."""
        if not isinstance(value, dict):
            return None
        key, original, rules, counts = map(value.get, ("key", "original", "rules", "counts"))
        content = value.get("content")
        if (
            isinstance(key, str)
            and isinstance(original, str)
            and isinstance(rules, str)
            and isinstance(counts, dict)
            and all(map(is_count, counts.values()))
        ):
            return cls(key, original, rules, counts, content if isinstance(content, str) else "")
        return None

    def fields(self) -> dict[str, Any]:
        """Return the JSON object of a record's `redacted`."""
        found: dict[str, Any] = {
            "key": self.key,
            "original": self.original,
            "rules": self.rules,
            "counts": dict(self.counts),
        }
        return found | ({"content": self.content} if self.content else {})

    def with_more(self, rules: str, counts: Mapping[str, int]) -> Self:
        """Return it with what other rules redacted in the event; hashes and their key stay."""
        names = {*self.rules.split("+"), *rules.split("+")} - {""}
        sums = Counter(self.counts) + Counter(counts)
        bounded = {kind: min(count, LARGEST) for kind, count in sums.items()}
        return replace(self, rules="+".join(sorted(names)), counts=bounded)

    def within(self, part: object) -> Self | None:
        """Return what was redacted in a part of the data, whose original is not known.

        Returns:
            None if there is no mark in it.
        """
        found = (MARK.findall(text) for text in _texts(part))
        counts = Counter(kind for marks in found for kind, _ in marks)
        return replace(self, original="", content="", counts=dict(counts)) if counts else None


def _texts(value: object) -> Iterator[str]:
    values = [value]
    while values:
        value = values.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            values += value.values()
        elif isinstance(value, list):
            values += value


def new_marks(text: str, redacted: str) -> Counter[str]:
    """Return how many marks of each kind a text has got when it was redacted."""
    return Counter(kind for kind, _ in MARK.findall(redacted)) - Counter(
        kind for kind, _ in MARK.findall(text)
    )


def covers(redacted: object, other: object) -> bool:
    """Return whether the marks in a redacted value cover the text of another value.

    Both must have the same shape and the same values, if a mark in a string of the first replaces
    one or more characters of the same string of the second. It takes time in proportion to their
    size, however many marks there are.

    Args:
        redacted: the data of an event that has `redacted`.
        other: the data of any event.
    """
    pairs = [(redacted, other)]
    while pairs:
        one, two = pairs.pop()
        if isinstance(one, str) and isinstance(two, str):
            if one != two and covered_spans(one, two) is None:
                return False
        elif isinstance(one, dict) and isinstance(two, dict):
            if one.keys() != two.keys():
                return False
            pairs += ((value, two[name]) for name, value in one.items())
        elif isinstance(one, list) and isinstance(two, list):
            if len(one) != len(two):
                return False
            pairs += zip(one, two, strict=True)
        # as JSON: to Python 1, 1.0 and True are equal
        elif orjson.dumps(one) != orjson.dumps(two):
            return False
    return True


def covered_spans(redacted: str, other: str) -> list[tuple[int, int]] | None:
    """Return which span of another text each mark of a redacted text covers.

    It matches the pieces between marks from left to right, each at its first place. A later place
    is never better, because a mark covers any text. So no place is tried twice.

    Returns:
        Begin and end of each span, in order. None if the texts differ in more than marks, or there
        is no mark.
    """
    first, *middle = pieces(redacted)
    if not middle:
        return None
    last = middle.pop()
    if not (other.startswith(first) and other.endswith(last)):
        return None
    found = []
    begin, end = len(first), len(other) - len(last)
    for piece in middle:
        at = other.find(piece, begin + 1, max(end - 1, 0))
        if at < 0:
            return None
        found.append((begin, at))
        begin = at + len(piece)
    return [*found, (begin, end)] if begin < end else None


def pieces(text: str) -> list[str]:
    """Return the pieces of a text between its marks; at least one."""
    # `split` gives the groups of each mark behind the piece before it
    return MARK.split(text)[:: MARK.groups + 1]
