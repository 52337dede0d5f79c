"""Which sessions of a journal are marked as gone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.format.event_types import GONE, SESSION_REVISED

if TYPE_CHECKING:
    from journal.format.event import Event


@dataclass(slots=True)
class KnownGone:
    """The sessions whose events set or clear `gone`.

    Attributes:
        marks: for each of them, its hash: the order of the last such event, and whether it is gone.
        _own: the same for what this process has appended.
    """

    marks: dict[str, tuple[int, int]] = field(default_factory=dict)
    _own: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def unpack(cls, packed: dict[str, list[int]]) -> KnownGone:
        """Parse `marks` as JSON has it.

        Raises:
            ValueError: it is no such object; TypeError and AttributeError mean the same.
        """
        return cls({str(mark): (int(order), int(gone)) for mark, (order, gone) in packed.items()})

    def __contains__(self, session: str) -> bool:
        mark = _mark(session)
        return self._own.get(mark, bool(self.marks.get(mark, (0, 0))[1]))

    def take(self, event: Event) -> None:
        """Note an event of the journal; the last one in the order of events counts."""
        if event.type != SESSION_REVISED:
            return
        cleared = event.data.get("clear")
        is_cleared = isinstance(cleared, list) and GONE in cleared
        mark = _mark(event.session)
        if (is_cleared or GONE in event.data) and event.order >= self.marks.get(mark, (0, 0))[0]:
            self.marks[mark] = event.order, not is_cleared

    def put(self, session: str, *, is_gone: bool) -> None:
        """Note what this process has just appended."""
        self._own[_mark(session)] = is_gone


def _mark(session: str) -> str:
    # a hash: the file of the marks must not contain the id of a session
    return hashlib.blake2b(session.encode(errors="surrogatepass"), digest_size=8).hexdigest()
