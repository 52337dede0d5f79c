"""The title of a session, from the index that Codex keeps beside the folder of its rollouts.

A line of `session_index.jsonl` is `{id, thread_name, updated_at}`; the last one of an id counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.event_types import SESSION_TITLED
from journal.importers.parsing.events import aside, fact
from journal.importers.parsing.values import text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Found, Location

FILES = "../../../../session_index.jsonl", "../session_index.jsonl"
"""Of a rollout, and of an archived one."""


def title_of(location: Location, session: str) -> Iterator[Found]:
    """Yield the title of the session of a rollout, if the index has one."""
    for index in FILES:
        entry = location.index(index, "id").get(session)
        title = None if entry is None else text_or_none(entry.get("thread_name"))
        if title is not None:
            yield aside(fact(0, session, SESSION_TITLED, {"title": title}))
            return
