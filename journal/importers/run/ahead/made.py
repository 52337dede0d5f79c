"""An event that the process which read it has encoded, so that the import only appends it.

Where the import has to look at its data, as in a journal that has it already, it is decoded again:
the process that encoded it has seen that this gives what it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from journal.errors import EventError
from journal.format.new_event import Encoded, checked, encoded_parts
from journal.importers.run.known.event_marks import EventMarks, marks_of

if TYPE_CHECKING:
    from journal.importers.parsing.parser import Found
    from journal.redact.redactor import Redactor

Packed = tuple[
    tuple[str, str, str, bytes, bytes, str], tuple[int, int, int | None, int | None], str
]
"""An event that is encoded, as plain values: `Encoded`, `EventMarks`, and its importer."""
_new = tuple.__new__
"""Makes named tuples of plain ones without a call of a function of Python for each."""
_KEYS = frozenset(("session", "id", "type", "data"))


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

    @property
    def rules(self) -> str:
        """The rules of the redactor; empty without one."""
        return "" if self.redactor is None else self.redactor.rules

    def make(self, found: Found) -> Packed | None:
        """Encode an event, as plain values; None if the import has to look at it.

        That is one in which there may be a secret, that the journal refuses, or that replaces an
        earlier one.
        """
        event, redactor = found.event, self.redactor
        if found.revisable or event.keys() != _KEYS:
            return None
        session, id, type, data = event["session"], event["id"], event["type"], event["data"]
        try:
            new = checked(session, id, type, data, None, self.importer)
            if redactor is not None and redactor.may_redact(type, data):
                return None
            if (parts := encoded_parts(new)) is None:
                return None
            marks = marks_of(session, id, type, data, None, self.importer)
        except (EventError, TypeError):
            return None  # the journal raises the reason
        if marks.masked is not None:
            return None  # the journal may have it in another form
        key, content, written, masked = marks
        return (
            (session, id, type, *parts, self.rules),
            (key, content, written, masked),
            self.importer,
        )
