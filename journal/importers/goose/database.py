"""Goose's `sessions.db`: the tables `sessions`, `messages` and, in new versions, `usage_ledger`.

Goose adds rows and, when it compacts a conversation, replaces all rows of it by new ones, whose
row ids are higher. Without the ledger a session has only the sums of what it used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.event_types import SESSION_TITLED
from journal.importers.goose.message import SOURCE, message_items
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
    from journal.importers.parsing.values import Json
    from journal.importers.sqlite.snapshot import Row, Snapshot

_STAMP = (
    "name",
    "description",
    "working_dir",
    "updated_at",
    "accumulated_input_tokens",
    "accumulated_output_tokens",
    "accumulated_cost",
)
_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_UNNAMED = ("", "New Chat", "New session", "CLI Session")


_PROGRAM = Program(
    "Goose",
    "its sessions.db, such as ~/.local/share/goose/sessions/sessions.db",
    {
        "sessions": frozenset(("id", "working_dir", "created_at")),
        "messages": frozenset(("id", "session_id", "role", "content_json")),
    },
)


@dataclass(frozen=True, slots=True)
class GooseDatabase:
    """Reads the sessions of a `sessions.db`."""

    program: Program = _PROGRAM

    def heads(self, snapshot: Snapshot) -> Iterator[Head]:
        """List all sessions."""
        there = [name for name in _STAMP if snapshot.has("sessions", name)]
        query = f"SELECT {', '.join(('id', *there))} FROM sessions ORDER BY id"  # noqa: S608
        for row in snapshot.rows(query):
            yield Head(str(row.values["id"]), row.values)

    def growth(self, snapshot: Snapshot) -> Sequence[Growth]:
        """Return the tables of messages and of what was used."""
        tables = ["messages", *(["usage_ledger"] if _has_ledger(snapshot) else [])]
        return [Growth(table, "id", f"t.session_id FROM {table} t") for table in tables]

    def probe(self, snapshot: Snapshot, id: str) -> Probe:
        """Count the rows of a session, and find the last ones."""
        stamp: list[Json] = []
        for growth in self.growth(snapshot):
            query = (
                "SELECT count(*) AS n, max(t.id) AS last,"  # noqa: S608
                f" max(t.created_timestamp) AS u FROM {growth.table} t WHERE t.session_id = ?"
            )
            found = snapshot.all(query, (id,))[0].values
            stamp += found["n"], found["last"], found["u"]
        return Probe(stamp, micros(stamp[2]))

    def items(self, snapshot: Snapshot, id: str) -> Iterator[Item]:
        """Read one session."""
        head = snapshot.all("SELECT * FROM sessions WHERE id = ?", (id,))[0]
        query = "SELECT * FROM messages WHERE session_id = ? ORDER BY id"
        rows, ledger = snapshot.all(query, (id,)), list[Any]()
        if _has_ledger(snapshot):
            query = "SELECT * FROM usage_ledger WHERE session_id = ? ORDER BY id"
            ledger = snapshot.all(query, (id,))
        return _items(id, head.values, rows, ledger)


def _has_ledger(snapshot: Snapshot) -> bool:
    needed = ("id", "session_id", "created_timestamp", "input_tokens", "output_tokens")
    return snapshot.has("usage_ledger", *needed)


def _items(id: str, head: dict[str, Any], rows: list[Row], ledger: list[Row]) -> Iterator[Item]:
    talk = Conversation(key(id), SOURCE)
    model = _model(head)
    parent = text_or_none(head.get("parent_session_id"))
    yield talk.created(
        1,
        cwd=text_or_none(head.get("working_dir")),
        model=model,
        started=read_time(_utc(head.get("created_at"))),
        parent=parent,
        relation="subagent" if parent or head.get("session_type") == "sub_agent" else None,
        extra=non_empty(
            {
                "session_type": head.get("session_type"),
                "provider": head.get("provider_name"),
                "schedule": head.get("schedule_id"),
            }
        ),
    )
    for name in ("name", "description"):
        title = text_or_none(head.get(name))
        if title is not None and title not in _UNNAMED and title != id:
            yield fact(1, talk.session, SESSION_TITLED, {"title": title})
            break
    for line, row in enumerate(rows, 1):
        blocks = yield from json_of(line, row, "content_json", list)
        if blocks is None:
            continue
        metadata = None
        if text_or_none(row.values.get("metadata_json")) is not None:
            metadata = yield from json_of(line, row, "metadata_json", dict)
        own = text_or_none(row.values.get("message_id")) or f"row-{row.values['id']}"
        fields = {"id": own, "role": row.values["role"], "metadata": metadata}
        time = row.values.get("created_timestamp") or _utc(row.values.get("timestamp"))
        yield from message_items(line, talk, fields, blocks, read_time(time))
    yield from _usage(talk, head, ledger, model)


def _usage(
    talk: Conversation, head: dict[str, Any], ledger: list[Row], model: str | None
) -> Iterator[Item]:
    """Yield what was used: each call of the ledger, else the sums of the session."""
    for line, row in enumerate(ledger, 1):
        values = row.values
        counts = {name: values.get(name) for name in _TOKENS}
        yield from usage(
            line,
            talk.session,
            f"ledger-{values['id']}",
            counts,
            read_time(values.get("created_timestamp")),
            model=values.get("model") or model,
            provider=head.get("provider_name"),
            cost=values.get("cost"),
        )
    if not ledger:
        counts = {name: head.get(f"accumulated_{name}") for name in _TOKENS}
        yield from usage(
            1,
            talk.session,
            "accumulated",
            counts,
            read_time(_utc(head.get("updated_at"))),
            model=model,
            provider=head.get("provider_name"),
            cost=head.get("accumulated_cost"),
        )


def _model(head: dict[str, Any]) -> str | None:
    try:
        config = orjson.loads(head.get("model_config_json") or "null")
    except orjson.JSONDecodeError:
        return None
    found = config if isinstance(config, dict) else {}
    names = ("model_name", "modelName", "model")
    return next((found[name] for name in names if text_or_none(found.get(name))), None)


def _utc(value: Json) -> Json:
    """Return a time of SQLite's CURRENT_TIMESTAMP, which names no zone, as one of UTC."""
    if isinstance(value, str) and len(value) == len("2026-07-24 11:00:00"):
        return f"{value}Z"
    return value
