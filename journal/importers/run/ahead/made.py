"""An event that the process which read it has encoded, so that the import only appends it.

Where the import has to look at its data, as in a journal that has it already, it is decoded again:
the process that encoded it has seen that this gives what it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from journal.errors import EventError
from journal.format.new_event import Encoded, checked, encoded
from journal.importers.run.known.event_marks import EventMarks, marks_of

if TYPE_CHECKING:
    from journal.importers.parsing.parser import Found
    from journal.redact.redactor import Redactor

Packed = tuple[str, str, str, bytes, bytes, int, int, int | None]
"""The fields of an event that is encoded, and its marks, as plain values."""
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

    def packed(self) -> Packed:
        """Return it as plain values, but for what all events of one file share."""
        session, id, type, names, rest, _ = self.encoded
        key, content, written, _ = self.marks
        return session, id, type, names, rest, key, content, written

    @classmethod
    def unpack(cls, packed: Packed, rules: str, importer: str) -> Made:
        """Return what `packed` has packed."""
        session, id, type, names, rest, key, content, written = packed
        encoded = Encoded(session, id, type, names, rest, rules)
        return cls(encoded, EventMarks(key, content, written), importer)

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

    def make(self, found: Found) -> Made | None:
        """Encode an event; None if the import has to look at it.

        That is one in which there may be a secret, that the journal refuses, or that replaces an
        earlier one.
        """
        event = found.event
        if found.revisable or event.keys() != _KEYS:
            return None
        session, id, type, data = event["session"], event["id"], event["type"], event["data"]
        rules = ""
        try:
            new = checked(session, id, type, data, None, self.importer)
            if self.redactor is not None:
                rules = self.redactor.rules
                if self.redactor.may_redact(type, data):
                    return None
            if (made := encoded(new, rules)) is None:
                return None
            marks = marks_of(session, id, type, data, None, self.importer)
            # what has marks of redacted texts may be in the journal in another form
            return None if marks.masked is not None else Made(made, marks, self.importer)
        except (EventError, TypeError):
            return None  # the journal raises the reason
