"""Lines by which the items of a rollout are recognised in its forks.

A fork begins with the items of the rollout that it continues, written again with other times and
without ids of their own. It also repeats the `session_meta` of each rollout that it goes back to.
So a line is made of the id of the oldest of these, of the item without what a fork rewrites, and of
the item before it: the same "continue" after another answer is another message.

A part of a rollout without its own meta has no lines: the oldest rollout is not known there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from journal.importers.parsing.values import fingerprint

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

_REWRITTEN = frozenset(
    ("id", "metadata", "internal_chat_message_metadata_passthrough", "encrypted_content", "status")
)
"""Keys of an item that need not be equal in a fork."""


@dataclass(slots=True)
class CopiedItems:
    """The items of one rollout, in order."""

    _oldest: str | None = None
    _before: str = ""

    def goes_back_to(self, session: str) -> None:
        """Note a rollout whose items this one begins with, or this one itself."""
        self._oldest = session

    def line(self, payload: dict[str, Json]) -> str | None:
        """Return the line of the next item; None if it is not known."""
        kept = {name: value for name, value in payload.items() if name not in _REWRITTEN}
        before, self._before = self._before, fingerprint(_encoded(kept))
        if self._oldest is None:
            return None
        return f"codex:{fingerprint(_encoded([self._oldest, before, self._before]))}"


def _encoded(value: Json) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
