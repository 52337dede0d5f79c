"""Makes the events of one session from the parts of its messages; the parser of such a file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from journal.format.event_types import SESSION_CREATED
from journal.importers.parsing.events import fact, message, placeholder
from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.values import non_empty

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from journal.importers.parsing.parser import Found, Item, Location
    from journal.importers.parsing.parts import Parts, Result
    from journal.importers.parsing.values import Json

_SHARED = ("timestamp", "parent", "meta")
"""Fields of a message that the results of tools in it have, too."""


@dataclass(slots=True)
class Conversation:
    """One session, as far as it was read.

    Attributes:
        session: its id.
        source: the name of the program.
    """

    session: str
    source: str
    _tools: dict[str, str] = field(default_factory=dict)  # names of tools, by the id of the call
    _model: str | None = None  # the model that it began with

    def created(self, line: int, **facts: Json) -> Found:
        """Return an event with fields of the session; those that are None are left out."""
        return fact(line, self.session, SESSION_CREATED, {"source": self.source, **facts})

    def message(
        self, line: int, id: str, role: str, parts: Parts, fields: dict[str, Json]
    ) -> Iterator[Item]:
        """Yield the message of some parts, and one of role "tool" for each result among them.

        The first model that is named is also that of the session.

        Args:
            line: number of the line.
            id: the message's id. A result has it, too, if the message is that result alone; else
                the id of its call, or its number, is added.
            role: the message's role.
            parts: what the message consists of; without any there is no message.
            fields: further fields, such as `timestamp`, `model`, `meta` and `extra`.
        """
        for reason in parts.lost:
            yield Skipped(line, reason)
        for call in parts.calls:
            if "id" in call:
                self._tools[call["id"]] = call["function"]["name"]
        if (model := fields.get("model")) is not None:
            yield from self.model(line, model)
        if not parts.is_empty:
            data = {"role": role, **parts.fields(), "source": self.source, **fields}
            yield message(line, self.session, id, data)
        if not parts.results:
            return
        alone = parts.is_empty and len(parts.results) == 1
        shared = {name: fields[name] for name in _SHARED if name in fields}
        if (fields.get("extra") or {}).get("estimated_time"):
            shared["extra"] = {"estimated_time": True}
        if not parts.is_empty:
            shared["parent"] = id
        for own, result in zip(result_ids(id, parts.results), parts.results, strict=True):
            yield self.result(line, id if alone else own, result, shared)

    def model(self, line: int, model: str) -> Iterator[Item]:
        """Yield the session's model, if this is the first one that is named."""
        if self._model is None:
            self._model = model
            yield self.created(line, model=model)

    def calls(self, id: str) -> bool:
        """Return whether a call of this id was read."""
        return id in self._tools

    def result(self, line: int, id: str, result: Result, fields: dict[str, Json]) -> Found:
        """Return the message of a tool's result.

        Args:
            line: number of the line.
            id: the message's id.
            result: the result; without a name it has that of its call.
            fields: further fields.
        """
        flags = {"is_error": result.error, "exit_code": result.exit_code}
        extra = {name: value for name, value in flags.items() if value is not None}
        data = {
            "role": "tool",
            "content": result.content,
            "tool_name": result.name or self._tools.get(result.call or ""),
            "tool_call_id": result.call,
            "source": self.source,
            **fields,
            "extra": {**(non_empty(fields.get("extra") or {}) or {}), **extra} or None,
        }
        return message(line, self.session, id, data)


def result_ids(id: str, results: Sequence[Result]) -> list[str]:
    """Return ids for the results in a message: its id, with that of the call or a number.

    Ids of calls are counted, since some gateways and cleaners of exports give all of them one id.
    """
    counts: Counter[str] = Counter()
    ids = []
    for number, result in enumerate(results, 1):
        own = f"{id}:{result.call or number}"
        counts[own] += 1
        ids.append(own if counts[own] == 1 else f"{own}:{counts[own]}")
    return ids


@dataclass(slots=True)
class OneSession:
    """The parser of a file that is one session; a source adds `value`, and sets `_talk`.

    Attributes:
        location: the file.
    """

    equal_is_same: ClassVar[bool] = True
    location: Location
    _talk: Conversation = field(init=False)

    def left_out(self, line: int, size: int, id: str) -> Iterator[Item]:
        """Yield a message in place of a line that is too long to be read."""
        return placeholder(line, self._talk.session, id, size, self._talk.source)

    def end(self) -> Iterator[Item]:
        """Yield nothing: no item waits for a later line."""
        return iter(())
