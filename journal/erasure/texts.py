"""Texts that requests redact: see "Redaction by a request" in `docs/format.md`. Pure.

A request names a text by its keyed hash and says where its marks go. So each reader shows the same
redacted text as soon as it has read the request, also before erasure has rewritten the record, and
also where the text arrives again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from journal.erasure.naming import REDUCIBLE
from journal.format.keyed_hash import content_hash
from journal.format.redacted import Redacted, new_marks
from journal.redact.values import redact_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from journal.erasure.marked import Span
    from journal.erasure.request import Request
    from journal.format.event import Event
    from journal.format.keyed_hash import Key


_RULES = "request"
"""The name in `redacted` in place of that of rules: several versions can find one secret."""


def text_hash(key: Key, name: str, text: str) -> str:
    """Return the hash that names a text in a field or under a key with a name."""
    return key.hash("text", [name, text])


class Redaction:
    """What requests redact.

    Args:
        keys: the keys of their hashes.
        requests: the requests. Of several that name one text, the lowest counts, by `_rank`.
    """

    def __init__(self, keys: Iterable[Key], requests: Iterable[Request]) -> None:
        self._keys = {key.id: key for key in keys}
        self._named: dict[str, list[Request]] = {}
        for request in requests:
            if request.key in self._keys:
                for hash in request.texts:
                    self._named.setdefault(hash, []).append(request)
        for hash, naming in self._named.items():
            naming.sort(key=lambda request: _rank(request, hash))
        self._lengths = {
            request.texts[hash].length for hash, naming in self._named.items() for request in naming
        }

    def covers(self, request: Request) -> bool:
        """Return whether one more request changes nothing."""
        return all(self._is_known(request, hash) for hash in request.texts)

    def _is_known(self, request: Request, hash: str) -> bool:
        first = next((it for it in self._named.get(hash, ()) if it.reach is None), None)
        if first is None:
            return False
        is_before = _rank(first, hash) < _rank(request, hash)
        return is_before or first.texts[hash] == request.texts[hash]

    def apply(self, event: Event, lane: str, seq: int) -> tuple[Event, str]:
        """Return an event with its named texts redacted, and the id of the lowest request.

        The event itself and an empty id if no text of it is named.
        """
        if not self._named:
            return event, ""
        counts: Counter[str] = Counter()
        used: list[Request] = []

        def redact(name: str, text: str) -> str:
            for request, new in self._steps(name, text, lane, seq):
                used.append(request)
                counts.update(new_marks(text, new))
                text = new
            return text

        data = redact_values(event.type, event.data, redact)
        if data is event.data:
            return event, ""
        first = min(used, key=lambda request: (request.id, request.key))
        # parts of such an event can be forgotten, and its hash must not tell whether they were
        is_whole = event.type not in REDUCIBLE
        key = self._keys[first.key]
        original = key.hash("original", [event.type, event.data]) if is_whole else ""
        content = content_hash(key, event.type, event.data)
        redacted = event.redacted or Redacted(key.id, original, "", {}, content)
        redacted = redacted.with_more(_RULES, counts)
        return replace(event, data=data, redacted=redacted), first.id

    def _steps(self, name: str, text: str, lane: str, seq: int) -> Iterator[tuple[Request, str]]:
        """Yield a redacted text, and that redacted again if later rules found more in it."""
        seen = {text}
        while len(text) in self._lengths:
            found = self._find(name, text, lane, seq)
            if found is None:
                return
            request, text = found
            if text in seen:  # only a program that means harm writes such requests
                return
            seen.add(text)
            yield request, text

    def _find(self, name: str, text: str, lane: str, seq: int) -> tuple[Request, str] | None:
        """Return the lowest request that names a text and reaches a record, and the new text."""
        found = []
        for key in self._keys.values():
            hash = text_hash(key, name, text)
            naming = (
                (_rank(request, hash), request.key, request)
                for request in self._named.get(hash, ())
                if request.reaches(lane, seq) and request.texts[hash].length == len(text)
            )
            if (first := next(naming, None)) is not None:
                found.append((*first, hash))
        if not found:
            return None
        *_, request, hash = min(found, key=lambda each: each[:2])
        return request, request.texts[hash].apply(text)


def _rank(request: Request, hash: str) -> tuple[str, tuple[Span, ...]]:
    """Return what decides between requests that name one text."""
    return request.id, request.texts[hash].spans
