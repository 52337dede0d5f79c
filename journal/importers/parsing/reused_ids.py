"""Keys for the messages of one source whose ids are not unique.

Local models and gateways number calls from 0 in each turn (`call_0`), and some programs give every
item the same id. The first message with an id has that id as its key. Another message with the same
id has a key with the fingerprint of its content added, so every message is kept. Equal contents
under one id are one message that was written twice.

A source is always read from its beginning, so these keys do not depend on how much of it was
imported before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from journal.importers.parsing.events import key
from journal.importers.parsing.values import fingerprint

_NUMBERED = re.compile(r"[0-9]{0,6}\Z")
_LONG_WORD = re.compile(r"[A-Za-z]{20}")


@dataclass(slots=True)
class _Uses:
    """The messages that have one id.

    Attributes:
        last: hash of the content of the latest of them; a fingerprint would cost more.
        last_key: its key.
        others: how often each of them occurs, by the hash of its content, once there are several.
    """

    last: int
    last_key: str
    others: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class ReusedIds:
    """The ids of one source, as far as it was read.

    Attributes:
        equal_is_same: as in `Parser`. If it is false and the messages have no time, equal messages
            under an id that others use, too, are counted by their places.
    """

    equal_is_same: bool
    # by session and id; most ids have one message, of which only the hash is kept
    _uses: dict[str, dict[str, _Uses | int]] = field(default_factory=dict)
    _latest: tuple[str, str] | None = None

    def key_of(self, session: str, id: str, data: dict[str, Any]) -> str | None:
        """Return the key of the next message; None if it was written before.

        Args:
            session: its session.
            id: the source's id, fit for a key.
            data: its fields. The parent and the line are no part of its content.
        """
        if "parent" in data or "line" in data:
            data = data.copy()
            data.pop("parent", None)
            data.pop("line", None)
        content = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
        mark = hash(content)
        at = (session, id)
        follows, self._latest = self._latest == at, at
        known = self._uses.setdefault(session, {})
        uses = known.get(id)
        if uses is None:
            known[id] = mark
            return id
        if isinstance(uses, int):
            uses = known[id] = _Uses(uses, id)
        if uses.last == mark and follows:
            return None
        is_known = uses.last == mark or mark in uses.others
        same = self.equal_is_same or "timestamp" in data
        if is_known and (same or not (uses.others or is_numbered(id))):
            return None
        uses.others.setdefault(uses.last, 1)
        count = uses.others[mark] = uses.others.get(mark, 0) + 1
        again = "" if count == 1 else f"-{count}"
        uses.last, uses.last_key = mark, key(f"{id}~{fingerprint(content)}{again}")
        return uses.last_key

    def ended(self, session: str) -> None:
        """Forget a session of which the source has nothing further."""
        self._uses.pop(session, None)

    def latest(self, session: str, id: str) -> str:
        """Return the key of the latest message with an id; the id itself if there is none."""
        uses = self._uses.get(session, {}).get(id)
        return uses.last_key if isinstance(uses, _Uses) else id


def is_numbered(id: str) -> bool:
    """Return whether an id is a name with a small number after it, such as `functions.shell:0`.

    Such an id need not be unique outside of its turn or file.
    """
    found = _NUMBERED.search(id)
    stem = id[: found.start()] if found is not None else id
    return not any(char.isdigit() for char in stem) and _LONG_WORD.search(stem) is None
