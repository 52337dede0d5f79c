"""Crush's `crush.db`, one for each project: the tables `sessions` and `messages`.

Rows are rewritten while a model answers; times are whole seconds. A session has only the sums of
what it used. The folder of the project is that of the database, without `.crush`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journal.format.event_types import SESSION_TITLED
from journal.importers.crush.parts import parts_of
from journal.importers.parsing.conversation import Conversation
from journal.importers.parsing.events import fact, key
from journal.importers.parsing.source_time import micros, read_time
from journal.importers.parsing.usage import usage
from journal.importers.parsing.values import non_empty, text_or_none
from journal.importers.sqlite.cells import json_of
from journal.importers.sqlite.conversations import Growth, Head, Probe
from journal.importers.sqlite.snapshot import Program

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from journal.importers.parsing.parser import Item
    from journal.importers.sqlite.snapshot import Row, Snapshot

SOURCE = "crush"
_FOLDER = ".crush"


_PROGRAM = Program(
    "Crush",
    "a project's .crush/crush.db",
    {
        "sessions": frozenset(("id", "title", "prompt_tokens", "completion_tokens", "cost")),
        "messages": frozenset(("id", "session_id", "role", "parts")),
    },
)


@dataclass(frozen=True, slots=True)
class CrushDatabase:
    """Reads the sessions of a `crush.db`."""

    program: Program = _PROGRAM

    def heads(self, snapshot: Snapshot) -> Iterator[Head]:
        """List all sessions."""
        query = "SELECT id, title, prompt_tokens, completion_tokens, cost, updated_at"
        for row in snapshot.rows(f"{query} FROM sessions ORDER BY id"):
            yield Head(str(row.values["id"]), row.values)

    def growth(self, snapshot: Snapshot) -> Sequence[Growth]:
        """Return the table of messages."""
        del snapshot
        return (Growth("messages", "id", "t.session_id FROM messages t"),)

    def probe(self, snapshot: Snapshot, id: str) -> Probe:
        """Count the messages of a session, and find their latest time."""
        query = "SELECT count(*) AS n, max(updated_at) AS u FROM messages WHERE session_id = ?"
        found = snapshot.all(query, (id,))[0].values
        return Probe(found, micros(found["u"]) or 0)

    def items(self, snapshot: Snapshot, id: str) -> Iterator[Item]:
        """Read one session."""
        head = snapshot.all("SELECT * FROM sessions WHERE id = ?", (id,))[0]
        query = "SELECT * FROM messages WHERE session_id = ? ORDER BY created_at, rowid"
        folder = snapshot.path.absolute().parent
        project = folder.parent if folder.name == _FOLDER else folder
        return _items(id, head.values, snapshot.all(query, (id,)), str(project))


def _items(id: str, head: dict[str, Any], rows: list[Row], project: str) -> Iterator[Item]:
    talk = Conversation(key(id), SOURCE)
    parent = text_or_none(head.get("parent_session_id"))
    yield talk.created(
        1,
        cwd=project,
        parent=None if parent is None else key(parent),
        relation=None if parent is None else "subagent",
        started=read_time(head.get("created_at")),
    )
    title = text_or_none(head.get("title"))
    if title is not None:
        yield fact(1, talk.session, SESSION_TITLED, {"title": title})
    models: list[str] = []
    for line, row in enumerate(rows, 1):
        found = yield from json_of(line, row, "parts", list)
        if found is None:
            continue
        values = row.values
        parts, finish = parts_of(found)
        model = text_or_none(values.get("model"))
        models += [model] if model else []
        fields = {
            "timestamp": read_time(values.get("created_at")),
            "model": model,
            "finish_reason": text_or_none(finish.get("reason")),
            "meta": "summary" if values.get("is_summary_message") == 1 else None,
            "extra": non_empty(
                {
                    "provider": values.get("provider"),
                    "error": finish.get("message"),
                    "error_details": finish.get("details"),
                }
            ),
        }
        yield from talk.message(line, str(values["id"]), str(values["role"]), parts, fields)
    if models:
        yield talk.created(1, model=models[0])
    counts = {"input_tokens": head["prompt_tokens"], "output_tokens": head["completion_tokens"]}
    yield from usage(
        1,
        talk.session,
        "session",
        counts,
        read_time(head.get("created_at")),
        model=models[-1] if models else None,
        cost=head.get("cost"),
    )
