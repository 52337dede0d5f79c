"""Messages that a source holds twice, once with fewer fields.

Another line, perhaps in another file, has the same message under the same id with all its fields,
or a file of its own has all of its text. Whichever is read first is appended, and the whole one
corrects the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRESS = "progress"
"""`extra.taken_from` of a message that has fewer fields than the line of its own."""
SHOWN = "toolUseResult"
"""`extra.taken_from` of an output as a line has it, which the output's own file may have whole."""


def is_provisional(data: Mapping[str, object]) -> bool:
    """Return whether a message has less than its source may hold elsewhere."""
    extra = data.get("extra")
    return isinstance(extra, dict) and extra.get("taken_from") in (PROGRESS, SHOWN)
