"""The scanner Kingfisher as a source of hits; the extra `secrets` installs it.

It has some 500 rules, written in Rust, and finds kinds that the rules of this program do not know.
It does not use the network. Its rules are compiled when it is created for the first time, which
takes seconds; it stores them in the user's cache folder.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from journal.errors import RedactionError
from journal.redact.scanner import Hit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_OTHERS = re.compile("[^a-z0-9]+")
_ESCAPES = ((rb"\n", b"\n"), (rb"\t", b"\t"), (rb"\"", b'"'))
"""JSON escapes, and the characters that Kingfisher expects beside a secret."""
_LONGEST = 64
_CONTINUED = bytes(range(0x80, 0xC0))
"""Bytes of UTF-8 that begin no character."""


class Kingfisher:
    """A scanner of Kingfisher's rules.

    Raises:
        RedactionError: the package is not installed, or cannot be loaded.
    """

    def __init__(self) -> None:
        self._scanner, version = _load()
        self.version = f"kingfisher/{version}"

    def may_find(self, raw: bytes) -> bool:
        """Return whether a text has a secret, also with escapes of JSON."""
        for escape, char in _ESCAPES:
            raw = raw.replace(escape, char)
        return bool(self._scanner.scan(raw))

    def find(self, text: str) -> Iterator[Hit]:
        """Find the secrets in a text."""
        raw = text.encode("utf-8", "replace")
        # an invisible hit is a part of a secret, such as the name of an account
        found = [it for it in self._scanner.scan(raw) if it.visible]
        places = [(it.location["start_offset"], it.location["end_offset"]) for it in found]
        characters = _characters(raw, {offset for place in places for offset in place})
        for (start, end), it in zip(places, found, strict=True):
            yield Hit(characters[start], characters[end], _kind(it.rule_id))


def _characters(raw: bytes, offsets: Iterable[int]) -> dict[int, int]:
    """Return the number of characters of a UTF-8 text before each of some byte offsets."""
    found: dict[int, int] = {}
    before, count = 0, 0
    for offset in sorted(offsets):
        count += len(raw[before:offset].translate(None, _CONTINUED))
        found[offset] = count
        before = offset
    return found


def _kind(rule: str) -> str:
    """Return a kind for the id of a rule, such as `betterleaks.github-pat`."""
    _, _, name = rule.rpartition("/") if "/" in rule else rule.partition(".")
    return _OTHERS.sub("-", f"kf-{name.lower()}")[:_LONGEST].strip("-")


@cache
def _load() -> tuple[Any, str]:
    try:
        import kingfisher_sdk  # noqa: PLC0415 - an extra, and large
    except ImportError as error:
        raise RedactionError(
            "the scanner Kingfisher is not installed: pip install 'agent-journal[secrets]'"
        ) from error
    rules = kingfisher_sdk.Rules()
    return kingfisher_sdk.Scanner(rules, base64=False), str(kingfisher_sdk.__version__)
