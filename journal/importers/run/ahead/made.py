"""An event that the process which read it has encoded, so that the import only appends it.

Where the import has to look at its data, as in a journal that has it already, it is decoded again:
the process that encoded it has seen that this gives what it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from journal.errors import EventError
from journal.format.new_event import Encoded, Encoder
from journal.importers.run.known.event_marks import EventMarks, new_marks

if TYPE_CHECKING:
    from journal.importers.parsing.parser import Found
    from journal.redact.redactor import Redactor

Packed = tuple[
    tuple[str, str, str, bytes, bytes, str], tuple[int, int, int | None, int | None], str
]
"""An event that is encoded, as plain values: `Encoded`, `EventMarks`, and its importer."""
_new = tuple.__new__
"""Makes named tuples of plain ones without a call of a function of Python for each."""
_FIELDS = 4
"""Fields of an event of a parser: session, id, type and data."""


class Made(NamedTuple):
    """An event that is encoded, with its marks.

    Attributes:
        encoded: the event.
        marks: its marks.
        importer: name and version of what imports it.
    """

    encoded: Encoded
    marks: EventMarks
    importer: str

    @classmethod
    def unpack(cls, packed: Packed) -> Made:
        """Return the event of what a `Maker` made."""
        encoded, marks, importer = packed
        return _new(cls, (_new(Encoded, encoded), _new(EventMarks, marks), importer))

    def plain(self) -> dict[str, Any]:
        """Return the arguments of `Journal.append` for it."""
        session, id, type, *_ = self.encoded
        data, importer = self.encoded.data(), self.importer
        return {"session": session, "id": id, "type": type, "data": data, "importer": importer}


@dataclass(frozen=True, slots=True)
class Maker:
    """Encodes the events of one importer.

    Attributes:
        importer: its name and version.
        redactor: of the journal; None if nothing is redacted there.
    """

    importer: str
    redactor: Redactor | None
    _rules: str = field(init=False)  # of the redactor; empty without one
    _encoder: Encoder = field(init=False)

    def __post_init__(self) -> None:
        rules = "" if self.redactor is None else self.redactor.rules
        object.__setattr__(self, "_rules", rules)
        object.__setattr__(self, "_encoder", Encoder(self.importer))

    def make(self, found: Found) -> Packed | None:
        """Encode an event, as plain values; None if the import has to look at it.

        That is one in which there may be a secret, that the journal refuses, or that replaces an
        earlier one.
        """
        event = found.event
        if found.revisable or len(event) != _FIELDS:
            return None
        try:
            session, id, type, data = event["session"], event["id"], event["type"], event["data"]
            parts = self._encoder.encode(session, id, type, data)
            if parts is None or (self.redactor and self.redactor.may_redact(type, data)):
                return None
            marks = new_marks(session, id, type, data, self.importer)
        except (EventError, KeyError, TypeError):
            return None  # the journal raises the reason
        if marks is None:
            return None  # the journal may have it in another form
        return (session, id, type, *parts, self._rules), marks, self.importer
