"""The views of messages, and of the events that change them."""

from __future__ import annotations

from projector.db.kinds import MESSAGE
from projector.db.public_views.view import (
    EVENT_TYPE,
    OWN,
    Column,
    View,
    lane_uuid,
    redacted,
    sort_key,
)

_JSON_TYPES = {"text": "text", "integer": "integer", "JSON array": "array", "JSON object": "object"}
"""What `json_type` calls a column's type."""


def _field(name: str, type: str) -> str:
    # a foreign writer's value of another type would make `json_each` of the column an error
    path = f"e.other_fields, '$.{name}'"
    return f"CASE json_type({path}) WHEN '{_JSON_TYPES[type]}' THEN json_extract({path}) END"


_STATE = (
    "CASE e.state WHEN 0 THEN 'transcript' WHEN 1 THEN 'archived' WHEN 2 THEN 'removed'"
    " ELSE 'deleted' END"
)
_MESSAGE_COLUMNS = (
    Column("rowid", "integer", "e.id", "rowid in `fts`; another one after each rebuild"),
    Column("session", "text", "s.session", "id of its session"),
    Column("id", "text", "e.event_id", "its id, unique within the session"),
    Column(
        "state",
        "text",
        _STATE,
        "`transcript`; `archived` (out of the transcript, still found by a search); `removed`;"
        " `deleted` (with its session)",
    ),
    Column("role", "text", "e.role", "`user`, `assistant`, `system`, `tool`, ..."),
    Column(
        "content",
        "text",
        "e.content",
        "its text, or JSON: an array of parts, or a text with NUL characters",
    ),
    Column("content_is_json", "0 or 1", "e.content_is_json", "whether `content` is JSON"),
    Column(
        "source",
        "text",
        "coalesce(e.source, s.source)",
        "where it was written; the session's if the message does not say",
    ),
    Column(
        "own_source", "text", "e.source", "where it was written; NULL if the message does not say"
    ),
    Column(
        "time",
        "µs",
        "coalesce(e.timestamp, e.time)",
        "its date: `timestamp` if it has one, else `appended`",
    ),
    Column("timestamp", "µs", "e.timestamp", "its own date; NULL if it has none"),
    Column("appended", "µs", "e.time", "when it was appended, by its writer's clock"),
    Column("parent", "text", "e.parent", "id of the message that it answers"),
    Column(
        "home",
        "text",
        "(SELECT h.session FROM _shared x JOIN _sessions h ON h.id = x.home WHERE x.event = e.id)",
        "of a replay: id of the session that has the message, too, and in which it counts; else"
        " NULL. A replay is not in `fts`",
    ),
    *(
        Column(name, type, _field(name, type), meaning)
        for name, type, meaning in (
            ("tool_name", "text", "tool that a result is of"),
            ("tool_calls", "JSON array", "calls of tools that it makes"),
            ("tool_call_id", "text", "the call that a result answers"),
            ("token_count", "integer", "tokens of the message"),
            ("finish_reason", "text", "why the model stopped"),
            ("reasoning", "text", "what the model thought"),
            ("model", "text", "the model that wrote it"),
            (
                "meta",
                "text",
                "what a machine wrote in the place of a person: `notification`, `command`, ...",
            ),
            ("line", "text", "its source's id of it, which copies in other sessions have, too"),
            ("extra", "JSON object", "anything else that its writer noted"),
        )
    ),
    Column(
        "other_fields",
        "JSON object",
        "e.other_fields",
        "all fields but role, content, source, timestamp and parent, as they were written, those"
        " with columns here among them; NULL if there are none",
    ),
    Column("revised", "0 or 1", "e.original IS NOT NULL", "whether a revision is in force"),
    Column(
        "original",
        "JSON object",
        "e.original",
        "all fields as they were appended; NULL if no revision is in force",
    ),
    redacted("e"),
    Column("order_time", "µs", "e.order_time", "place in its session: first sort key"),
    Column("order_depth", "integer", "e.order_depth", "second sort key: distance from a parent"),
    Column("event_order", "integer", "e.ord", "third sort key: `order` of its event"),
    Column("lane", "text", lane_uuid("e"), "fourth sort key: uuid of the lane of its event"),
    Column("seq", "integer", "e.seq", "fifth sort key: number of its record in the lane"),
    Column(
        "transcript_index",
        "integer",
        "e.transcript_index",
        "sixth sort key: its place in the `transcript.replaced` that brought it, from 1; 0 if it"
        " is a record of its own",
    ),
)

MESSAGES = View(
    "messages",
    "One row for each message in the transcript of a session, with its revisions in force.",
    _MESSAGE_COLUMNS,
    f"FROM _events e JOIN _sessions s ON s.id = e.session WHERE e.kind = {MESSAGE} AND e.state = 0"
    f" AND {OWN}",
)
ALL_MESSAGES = View(
    "all_messages",
    "One row for each message that was ever appended, also where it was archived, removed or"
    " deleted since. The columns are those of `messages`.",
    _MESSAGE_COLUMNS,
    f"FROM _events e JOIN _sessions s ON s.id = e.session WHERE e.kind = {MESSAGE} AND {OWN}",
)
MESSAGE_CHANGES = View(
    "message_changes",
    "One row for each event that changes a message (revises, removes, archives, restores), and"
    " message.",
    (
        Column("session", "text", "s.session", "id of the session"),
        Column(
            "message",
            "text",
            "nullif(c.message, '')",
            "id of the message; NULL for an event that acts on all that its author had seen",
        ),
        Column("event", "text", "e.event_id", "id of the event that changes it"),
        Column(
            "type",
            "text",
            EVENT_TYPE,
            "type of that event",
        ),
        *sort_key("e"),
        Column("data", "JSON object", "e.other_fields", "its data"),
    ),
    "FROM _changes c JOIN _events e ON e.id = c.event JOIN _sessions s ON s.id = c.session"
    f" WHERE {OWN}",
)
