"""Edits of a JSON text that leave every other byte as it is. Pure.

Programs read their settings with comments (`//` and `/* */`) and commas before a closing bracket,
so both are kept. An item is put behind the last one of its container, with the indentation of the
text; to take it out again gives the text of before.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

_STRING = r'"(?:\\.|[^"\\])*"'
_COMMENT = re.compile(rf"{_STRING}|//[^\n]*|/\*.*?\*/|\ufeff", re.DOTALL)
_LAST_COMMA = re.compile(rf"{_STRING}|,(?=\s*[}}\]])", re.DOTALL)
_SPACE = re.compile(r"\s*")
_FIRST = re.compile(r"[\[{]\s*?\n([ \t]+)")
"""The first line of a container, with the blanks that its items begin with."""
_INDENT = re.compile(r"\{\s*?\n([ \t]+)\"")


@dataclass(frozen=True, slots=True)
class Item:
    """A member of an object, or an element of a list, as positions in the text.

    Attributes:
        key: its key; None in a list.
        start: where it begins, with its key.
        value: where its value begins.
        end: behind its value.
    """

    key: str | None
    start: int
    value: int
    end: int


@dataclass(frozen=True, slots=True)
class Container:
    """An object or a list.

    Attributes:
        start: where its bracket is.
        close: where its closing bracket is.
        items: what is in it.
    """

    start: int
    close: int
    items: tuple[Item, ...]


@dataclass(frozen=True)
class JsonText:
    """A JSON text, and what it means.

    Attributes:
        text: the text.
    """

    text: str

    @cached_property
    def value(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return what it means.

        Raises:
            ValueError: it is no JSON.
        """
        return json.loads(self._plain, parse_constant=_refuse)

    def with_item(self, path: Sequence[str | int], key: str | None, value: object) -> JsonText:
        """Return the text with one more item at the end of a container.

        Args:
            path: keys and indices that lead to the container from the root.
            key: the new key; None in a list.
            value: its value.
        """
        box, text = self._container(path), self.text
        line = "\r\n" if "\r\n" in text else "\n"
        unit = found[1] if (found := _INDENT.search(self._bare)) else "  "
        base = self._indentation(box.close, unit * len(path))
        body = json.dumps(value, indent=unit, ensure_ascii=False)
        if key is not None:
            body = f"{json.dumps(key, ensure_ascii=False)}: {body}"
        body = f"\n{body}".replace("\n", line + base + unit)
        inner = text[box.start + 1 : box.close]
        if not box.items and not inner.strip():
            return JsonText(text[: box.start + 1] + body + line + base + text[box.close :])
        last = box.items[-1].end if box.items else box.start + 1
        has_comma = "," in self._bare[last : box.close]
        behind = len(text[: box.close].rstrip())
        parts = (
            text[:last],
            "," if box.items and not has_comma else "",
            text[last:behind],
            body,
            "," if has_comma else "",
            text[behind:],
        )
        return JsonText("".join(parts))

    def with_value(self, path: Sequence[str | int], key: str, value: object) -> JsonText:
        """Return the text with another value of a member of an object.

        Args:
            path: keys and indices that lead to the object from the root.
            key: the key of the member; of several the last one is in force.
            value: its new value; it is put on one line if the old one is.
        """
        box, text = self._container(path), self.text
        item = box.items[_last(box, key)]
        old, body = text[item.value : item.end], json.dumps(value, ensure_ascii=False)
        if "\n" in old:
            line = "\r\n" if "\r\n" in text else "\n"
            row = text[text.rfind("\n", 0, item.start) + 1 : item.start]
            base = row[: len(row) - len(row.lstrip())]
            inner = found[1] if (found := _FIRST.match(old)) else f"{base}  "
            unit = inner.removeprefix(base)
            body = json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", line + base)
        return JsonText(text[: item.value] + body + text[item.end :])

    def item(self, path: Sequence[str | int], key: str) -> str:
        """Return the text of a value of an object, as it is written, with its comments."""
        box = self._container(path)
        item = box.items[_last(box, key)]
        return self.text[item.value : item.end]

    def without_item(self, path: Sequence[str | int], at: int) -> JsonText:
        """Return the text without an item, and without the comma that it needed.

        Args:
            path: keys and indices that lead to its container from the root.
            at: its number in the container.
        """
        box, text = self._container(path), self.text
        item = box.items[at]
        start, end = item.start, item.end
        limit = box.items[at + 1].start if at + 1 < len(box.items) else box.close
        comma = self._bare.find(",", end, limit)
        kept_before, kept_behind = text[:start], text[end:]
        if comma >= 0:
            kept_behind = text[end:comma] + text[comma + 1 :]
        elif at:
            comma = self._bare.index(",", box.items[at - 1].end, start)
            kept_before = text[:comma] + text[comma + 1 : start]
        if kept_behind.lstrip(" \t").startswith(("\n", "\r\n", "}", "]")):
            bare = kept_before.rstrip(" \t")
            if bare.endswith("\n"):  # the line had nothing else
                kept_before = bare.removesuffix("\n").removesuffix("\r")
        else:
            kept_behind = kept_behind.lstrip(" \t")
        if len(box.items) == 1 and not (kept_before[box.start + 1 :] + _until(kept_behind)).strip():
            kept_before, kept_behind = text[: box.start + 1], text[box.close :]
        return JsonText(kept_before + kept_behind)

    def index(self, path: Sequence[str | int], key: str) -> int:
        """Return the number of the last member of an object that has a key: it is the one in force.

        Raises:
            ValueError: there is none.
        """
        return _last(self._container(path), key)

    @cached_property
    def _bare(self) -> str:
        """Return the text with blanks in place of comments: positions stay."""
        return _COMMENT.sub(_blank, self.text)

    @cached_property
    def _plain(self) -> str:
        """Return the text as JSON, without comments and last commas: positions stay."""
        return _LAST_COMMA.sub(_blank, self._bare)

    def _container(self, path: Sequence[str | int]) -> Container:
        box = self._read(self._skip(0))
        for step in path:
            at = step if isinstance(step, int) else _last(box, step)
            box = self._read(box.items[at].value)
        return box

    def _read(self, start: int) -> Container:
        """Read the items of the container whose bracket is at a position."""
        plain, decoder = self._plain, json.JSONDecoder()
        items: list[Item] = []
        at = self._skip(start + 1)
        while plain[at] not in "}]":
            first, key = at, None
            if plain[start] == "{":
                key, at = decoder.raw_decode(plain, at)
                at = self._skip(self._skip(at) + 1)
            _, end = decoder.raw_decode(plain, at)
            items.append(Item(key, first, at, end))
            at = self._skip(end)
            if plain[at] == ",":
                at = self._skip(at + 1)
        return Container(start, at, tuple(items))

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self._plain, at)
        return at if found is None else found.end()

    def _indentation(self, close: int, otherwise: str) -> str:
        """Return the blanks before a closing bracket that begins its line."""
        line = self.text[self.text.rfind("\n", 0, close) + 1 : close]
        return line if not line.strip() and "\n" in self.text[:close] else otherwise


def _last(box: Container, key: str) -> int:
    keys = [item.key for item in box.items]
    return len(keys) - 1 - keys[::-1].index(key)


def _until(text: str) -> str:
    """Return a text up to its first closing bracket."""
    return re.split(r"[}\]]", text, maxsplit=1)[0]


def _blank(found: re.Match[str]) -> str:
    word = found[0]
    return word if word.startswith('"') else re.sub(r"[^\n]", " ", word)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
