"""Messages that their source writes again when it knows more of them.

The first writing is the message, as for every line. A later one that differs gives a
`message.revised` event with the fields that changed, so that a file which grew gives the same
events as one that is read whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from journal.format.event_types import MESSAGE_APPENDED
from journal.importers.parsing.events import revision
from journal.importers.parsing.parser import Found

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json


@dataclass(slots=True)
class Snapshots:
    """The messages of one file, as they were written last: hashes of their fields."""

    _fields: dict[str, dict[str, int]] = field(default_factory=dict)

    def take(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield items; a message that is known becomes a revision, or nothing if it is equal."""
        for item in items:
            if not isinstance(item, Found) or item.event["type"] != MESSAGE_APPENDED:
                yield item
                continue
            id, data = item.event["id"], item.event["data"]
            now = {name: _hash(value) for name, value in data.items()}
            before = self._fields.get(id)
            self._fields[id] = {**(before or {}), **now}
            if before is None:
                yield item
                continue
            changed = {name: data[name] for name in now if now[name] != before.get(name)}
            if changed:
                yield revision(item.line, item.event["session"], id, changed)


def _hash(value: Json) -> int:
    return hash(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
