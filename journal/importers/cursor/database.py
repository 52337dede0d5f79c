"""Cursor's `state.vscdb`: keys `composerData:<id>` and `bubbleId:<composer>:<id>`.

The table replaces a row whose key is written again, which gives it a new number: so the numbers of
the rows show every change. The contents of other keys are never read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journal.format.event_types import SESSION_TITLED
from journal.importers.cursor.bubble import bubble_items
from journal.importers.parsing.conversation import Conversation
from journal.importers.parsing.events import fact, key
from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.usage import usage
from journal.importers.parsing.values import list_of, non_empty, text_or_none
from journal.importers.sqlite.cells import json_of
from journal.importers.sqlite.conversations import Growth, Head, Probe
from journal.importers.sqlite.snapshot import Program, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json
    from journal.importers.sqlite.snapshot import Snapshot

SOURCE = "cursor"
_COMPOSER, _BUBBLE = "composerData:", "bubbleId:"
_ID = 36
"""Characters of a bubble's id, a uuid."""
_PROGRAM = Program(
    "Cursor",
    "its state.vscdb, such as ~/.config/Cursor/User/globalStorage/state.vscdb",
    {"cursorDiskKV": frozenset(("key", "value"))},
)


@dataclass(frozen=True, slots=True)
class CursorDatabase:
    """Reads the conversations of a `state.vscdb`."""

    program: Program = _PROGRAM

    def heads(self, snapshot: Snapshot) -> Iterator[Head]:
        """List all conversations, by the index of the keys."""
        for row in snapshot.rows(*_range("key, rowid AS r", _COMPOSER)):
            yield Head(str(row.values["key"]).removeprefix(_COMPOSER), row.values["r"])

    def growth(self, snapshot: Snapshot) -> Sequence[Growth]:
        """Return the table of all keys; those of other things belong to no conversation."""
        del snapshot
        conversation = (
            f"CASE WHEN t.key LIKE '{_BUBBLE}%'"
            f" THEN substr(t.key, {len(_BUBBLE) + 1}, length(t.key) - {len(_BUBBLE) + _ID + 1})"
            f" WHEN t.key LIKE '{_COMPOSER}%' THEN substr(t.key, {len(_COMPOSER) + 1}) END"
            " FROM cursorDiskKV t"
        )
        return (Growth("cursorDiskKV", "key", conversation),)

    def probe(self, snapshot: Snapshot, id: str) -> Probe:
        """Look at the numbers of the rows of one conversation."""
        columns = "count(*) AS n, max(rowid) AS last, total(rowid) AS sum"
        bubbles = snapshot.all(*_range(columns, f"{_BUBBLE}{id}:"))
        query = "SELECT rowid AS r FROM cursorDiskKV WHERE key = ?"
        return Probe([bubbles[0].values, snapshot.number(query, (f"{_COMPOSER}{id}",))])

    def items(self, snapshot: Snapshot, id: str) -> Iterator[Item]:
        """Read one conversation."""
        query = "SELECT value FROM cursorDiskKV WHERE key = ?"
        head = snapshot.all(query, (f"{_COMPOSER}{id}",))[0]
        return _items(id, head, snapshot.all(*_range("key, value", f"{_BUBBLE}{id}:")))


def _range(columns: str, prefix: str) -> tuple[str, tuple[Json, ...]]:
    """Return a query of the keys that begin with a prefix, which the index answers."""
    after = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    query = f"SELECT {columns} FROM cursorDiskKV WHERE key >= ? AND key < ?"  # noqa: S608
    return query, (prefix, after)


def _items(id: str, head: Row, rows: list[Row]) -> Iterator[Item]:
    composer = yield from json_of(1, head, "value", dict)
    if composer is None:
        return
    talk = Conversation(key(id), SOURCE)
    bubbles: dict[str, Row] = {str(row.values["key"])[-_ID:]: row for row in rows}
    found: list[tuple[str, dict[str, Json]]] = []
    for line, own in enumerate(_order(composer, bubbles), 1):
        bubble = composer["conversationMap"].get(own) if _has(composer, own) else None
        if own in bubbles:
            bubble = yield from json_of(line, bubbles[own], "value", dict)
        if isinstance(bubble, dict):
            found.append((own, bubble))
    for place, bubble in enumerate(list_of(composer.get("conversation")), 1):
        if isinstance(bubble, dict):  # the first versions kept the messages in the conversation
            found.append((text_or_none(bubble.get("bubbleId")) or f"message-{place}", bubble))
    if not found:
        yield Skipped(1, "conversation without messages")
        return
    yield from _facts(talk, composer, [bubble for _, bubble in found])
    for line, (own, bubble) in enumerate(found, 1):
        yield from bubble_items(line, talk, own, bubble)


def _has(composer: dict[str, Json], own: str) -> bool:
    return isinstance(composer.get("conversationMap"), dict) and own in composer["conversationMap"]


def _order(composer: dict[str, Json], bubbles: dict[str, Row]) -> Iterator[str]:
    """Yield the ids of the messages: in the order of the conversation, then those it lacks."""
    listed: dict[str, None] = {}
    for header in list_of(composer.get("fullConversationHeadersOnly")):
        if isinstance(header, dict) and text_or_none(header.get("bubbleId")) is not None:
            listed[header["bubbleId"]] = None
    yield from listed
    yield from (own for own in bubbles if own not in listed)


def _facts(
    talk: Conversation, composer: dict[str, Json], bubbles: list[dict[str, Any]]
) -> Iterator[Item]:
    model = composer.get("modelConfig")
    model = model.get("modelName") if isinstance(model, dict) else None
    folders = (text_or_none(bubble.get("workspaceProjectDir")) for bubble in bubbles)
    yield talk.created(
        1,
        cwd=next((folder for folder in folders if folder is not None), None),
        started=read_time(composer.get("createdAt")),
        model=text_or_none(model),
        branch=text_or_none(composer.get("createdOnBranch")),
        extra=non_empty({"mode": text_or_none(composer.get("unifiedMode"))}),
    )
    title = text_or_none(composer.get("name"))
    if title is not None:
        yield fact(1, talk.session, SESSION_TITLED, {"title": title})
    costs = composer.get("usageData")
    for name, cost in costs.items() if isinstance(costs, dict) else ():
        cents = cost.get("costInCents") if isinstance(cost, dict) else None
        if isinstance(cents, int | float) and not isinstance(cents, bool):
            time = read_time(composer.get("createdAt"))
            spent = {"api_calls": cost.get("amount")}
            yield from usage(
                1, talk.session, f"cost:{name}", spent, time, model=name, cost=cents / 100
            )
