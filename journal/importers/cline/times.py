"""What `ui_messages.json` knows of the messages beside it: their times, and what calls used.

The older form of a conversation has no times. An entry of the user interface has one, and most have
the number of the last message that the conversation had then; the first entry with a number is from
when that message was added, and the entry after its request is from the answer. Without numbers the
requests are counted: each sends one message of the user, and is followed by one answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from journal.importers.parsing.source_time import micros, read_time
from journal.importers.parsing.usage import usage
from journal.importers.parsing.values import text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Found
    from journal.importers.parsing.values import Json

_REQUEST = "api_req_started"
_COUNTS = {
    "input_tokens": "tokensIn",
    "output_tokens": "tokensOut",
    "cache_read_tokens": "cacheReads",
    "cache_write_tokens": "cacheWrites",
}


@dataclass(slots=True)
class Interface:
    """The entries of one task's user interface.

    Attributes:
        entries: the entries, in order; those that are no objects are left out.
    """

    entries: list[dict[str, Json]]
    _times: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        numbered = any(isinstance(it.get("conversationHistoryIndex"), int) for it in self.entries)
        self._times = self._numbered() if numbered else self._counted()

    def time(self, index: int) -> int | None:
        """Return the time of a message by its number in the conversation, from 0; or None."""
        return self._times.get(index)

    def _numbered(self) -> dict[int, int]:
        times: dict[int, int] = {}
        requests: dict[int, int] = {}
        for entry in self.entries:
            index, time = entry.get("conversationHistoryIndex"), micros(entry.get("ts"))
            if not isinstance(index, int) or time is None:
                continue
            times.setdefault(max(index, 0), time)
            if entry.get("say") == _REQUEST:
                requests.setdefault(index, time)
            elif index in requests:
                times.setdefault(index + 1, time)
        return times

    def _counted(self) -> dict[int, int]:
        times: dict[int, int] = {}
        index, waits = 0, False
        for entry in self.entries:
            time = micros(entry.get("ts"))
            if time is None:
                continue
            if entry.get("say") == _REQUEST:
                times[index] = time
                index, waits = index + 2, True
            elif waits:
                times[index - 1], waits = time, False
        return times

    def usage(self, session: str, model: Json) -> Iterator[Found]:
        """Yield what each request used, and cost, as the program states it."""
        for number, entry in enumerate(self.entries):
            text = text_or_none(entry.get("text"))
            if entry.get("say") != _REQUEST or text is None:
                continue
            try:
                used = orjson.loads(text)
            except orjson.JSONDecodeError:
                continue  # a request that was not sent has a text of another kind
            if isinstance(used, dict):
                counts = {name: used.get(source) for name, source in _COUNTS.items()}
                call, cost = f"{entry.get('ts', number)}", used.get("cost")
                time = read_time(entry.get("ts"))
                yield from usage(1, session, call, counts, time, model=model, cost=cost)


def interface(value: Json) -> Interface:
    """Return the entries of a `ui_messages.json`; None, or anything else, has none."""
    entries = value if isinstance(value, list) else []
    return Interface([entry for entry in entries if isinstance(entry, dict)])
