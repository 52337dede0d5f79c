"""The forms in which a journal may have an event that an import reads.

Requests take parts of it away and put marks into its texts, and so do the rules. Whether the
journal has the event is decided as readers decide it: "The same event" in `docs/format.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from journal.arriving import without_forgotten
from journal.erasure.requests import Forgotten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.format.redacted import Redacted
    from journal.redact.redactor import Redactor
    from journal.writer import Journal


@dataclass(slots=True)
class Forms:
    """The forms of events in one journal.

    Attributes:
        journal: the events are appended to it.
        forgotten: what its requests forget; the import replaces it before each batch.
    """

    journal: Journal
    forgotten: Forgotten = field(default_factory=lambda: Forgotten(()))
    _rules: Redactor | None = None

    def left(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """Return an event without its forgotten parts, as `without_forgotten`."""
        if not self.forgotten:
            return event
        return without_forgotten(event, self.forgotten, self.redactor)

    def clear(self, event: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield an event before it is redacted by rules; then what is left of it, if that differs.

        The journal has the first until what requests name is erased, and the second from then on.
        """
        yield event
        left = self.left(event)
        if left is not None and left is not event:
            yield left

    def redacted(self, event: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Redacted | None]]:
        """Yield the data of each of these as the rules of today leave it.

        With it is what says in the journal what is redacted in it; None where it is appended in
        clear.
        """
        rules = self.redactor()
        for form in self.clear(event):
            data, found = rules.redact(form["type"], form["data"])
            if self.journal.redactor is None:
                found = None
            yield data, form.get("redacted") or found

    def redactor(self) -> Redactor:
        """Return what redacts by the rules of today, also where nothing is to be redacted."""
        if self.journal.redactor is not None:
            return self.journal.redactor
        if self._rules is None:
            from journal.redact.setup import way_out  # noqa: PLC0415 - few imports need the rules

            self._rules = way_out(self.journal.path)
        return self._rules
