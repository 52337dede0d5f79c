"""Keys for the messages of one source whose ids are not unique.

Local models and gateways number calls anew in each turn (`call_0`), and some programs give every
item one id. The first message with an id has that id as its key. Another message with the same id
has a key that also holds the fingerprint of what it says, and so every message is kept. What says
the same under the same id is the same message, written twice.

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
        others: how often each of them stands, by the hash of its content, once there is more
            than one.
    """

    last: int
    last_key: str
    others: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class ReusedIds:
    """The ids of one source, as far as it was read.

    Attributes:
        equal_is_same: as of the parser. Where it is not, and no time tells them apart, equal
            messages under an id that is used for others are as many as stand apart.
    """

    equal_is_same: bool
    _uses: dict[tuple[str, str], _Uses] = field(default_factory=dict)
    _latest: tuple[str, str] | None = None

    def key_of(self, session: str, id: str, data: dict[str, Any]) -> str | None:
        """Give the key of the next message; None if it was written before.

        Args:
            session: its session.
            id: the source's id, fit for a key.
            data: its fields. The parent is no part of what it says.
        """
        if "parent" in data:
            data = {name: value for name, value in data.items() if name != "parent"}
        content = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
        mark = hash(content)
        at = (session, id)
        follows, self._latest = self._latest == at, at
        uses = self._uses.get(at)
        if uses is None:
            self._uses[at] = _Uses(mark, id)
            return id
        if uses.last == mark and follows:
            return None
        known = uses.last == mark or mark in uses.others
        same = self.equal_is_same or "timestamp" in data
        if known and (same or not (uses.others or is_numbered(id))):
            return None
        uses.others.setdefault(uses.last, 1)
        count = uses.others[mark] = uses.others.get(mark, 0) + 1
        again = "" if count == 1 else f"-{count}"
        uses.last, uses.last_key = mark, key(f"{id}~{fingerprint(content)}{again}")
        return uses.last_key

    def latest(self, session: str, id: str) -> str:
        """Give the key of the latest message with an id; the id itself if there is none."""
        uses = self._uses.get((session, id))
        return id if uses is None else uses.last_key


def is_numbered(id: str) -> bool:
    """Tell whether an id is a name with a small number behind it, such as `functions.shell:0`.

    Nothing in such an id makes it unique beyond the turn or the file in which it stands.
    """
    found = _NUMBERED.search(id)
    stem = id[: found.start()] if found is not None else id
    return not any(char.isdigit() for char in stem) and _LONG_WORD.search(stem) is None
