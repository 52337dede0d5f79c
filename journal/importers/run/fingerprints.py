"""The events of a document that are in the journal, as eight bytes for each content.

A document is rewritten as a whole when it grows, so no offset separates its new events. The marks
do, wherever messages were inserted, changed or left out. A mark is blake2b of the event as JSON
with its fields in order; two events of one document share one by accident once in 2**64 / n.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BYTES = 8


def _array() -> array[int]:
    return array("Q")


@dataclass(slots=True)
class Fingerprints:
    """The marks of one document; those of earlier imports are sorted."""

    _known: array[int] = field(default_factory=_array)
    _new: array[int] = field(default_factory=_array)

    @classmethod
    def unpack(cls, packed: str) -> Fingerprints:
        """Parse the result of `packed`; anything else gives no marks."""
        known = _array()
        try:
            known.frombytes(base64.b64decode(packed, validate=True))
        except ValueError:
            return cls()  # an unreadable hint is ignored
        return cls(known)

    def add(self, event: Mapping[str, Any]) -> bool:
        """Add an event; return whether an earlier import added it."""
        try:
            mark = print_of(event)
        except orjson.JSONEncodeError:
            return False  # the journal will refuse it, with the reason
        at = bisect_left(self._known, mark)
        if at < len(self._known) and self._known[at] == mark:
            return True
        self._new.append(mark)
        return False

    def add_new(self, marks: Iterable[int]) -> None:
        """Add events that no earlier import added, by their marks."""
        self._new.extend(marks)

    def packed(self) -> str:
        """Return all marks as text, sorted."""
        whole = array("Q", sorted(itertools.chain(self._known, self._new)))
        return base64.b64encode(whole.tobytes()).decode()


def print_of(event: Mapping[str, Any]) -> int:
    """Return the mark of an event.

    Raises:
        TypeError: it is no JSON.
    """
    raw = orjson.dumps(event, option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.blake2b(raw, digest_size=_BYTES).digest())
