"""The SQL views of a projection that other programs may use: their names and columns are stable.

Everything else in the database is internal and named `_...`; it changes with any version. What a
view is, and what each of its columns means, is written here only: the DDL (`CREATE`) and the tables
in docs/sql.md are made of it.

A view selects from few tables, without grouping or windows, so that SQLite flattens it into the
query around it: an index serves a condition on `session`, `id` or `rowid`, and a column that a
query does not name costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from journal.format.event_types import COSTS, COUNTS
from projector.fold.sessions import NANO

_MESSAGE = 1
"""`projector.db.schema.MESSAGE`: a partial index is used only where its condition is spelled."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a view.

    Attributes:
        name: its name.
        type: what it holds, with the unit: `text`, `JSON`, `integer`, `µs` and so on.
        sql: the expression that gives it.
        meaning: what it says, for docs/sql.md.
    """

    name: str
    type: str
    sql: str
    meaning: str


@dataclass(frozen=True, slots=True)
class View:
    """A view.

    Attributes:
        name: its name.
        meaning: what one row is, for docs/sql.md.
        columns: its columns, in their order.
        rows: the SQL from `FROM` on.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    rows: str

    @property
    def create(self) -> str:
        """The statement that makes it."""
        columns = ",\n  ".join(f"{column.sql} AS {column.name}" for column in self.columns)
        return f"CREATE VIEW {self.name} AS SELECT\n  {columns}\n{self.rows};\n"


SESSION_EXISTS = "(s.known OR s.message_total > 0)"
"""Condition on a row `s` of `_sessions`: it is a session, and no deleted one or a mere name."""

# a tie is broken by the lane's uuid, which every projection of a journal has, never by its rowid
_LANE = "(SELECT l.uuid FROM _lanes l WHERE l.id = e.lane_row)"

_CREATED = """(SELECT min(e.time) FROM _events e WHERE e.session = s.id AND e.kind <> 1
    AND e.kind IN (SELECT k.id FROM _kinds k
      WHERE k.type IN ('session.created', 'session.ensured')))"""
_FIRST_SOURCE = f"""(SELECT e.source FROM _events e
    WHERE e.session = s.id AND e.kind = 1 AND e.state = 0
    ORDER BY e.order_time, e.order_depth, e.ord, {_LANE}, e.seq, e.transcript_index LIMIT 1)"""
_TOOL_CALLS = """(SELECT coalesce(sum(json_array_length(e.other_fields, '$.tool_calls')), 0)
    FROM _events e WHERE e.session = s.id AND e.kind = 1 AND e.state = 0
    AND e.other_fields IS NOT NULL)"""


def _total(name: str) -> str:
    return f"(SELECT u.total FROM _usage u WHERE u.session = s.id AND u.name = '{name}')"


_JSON_TYPES = {"text": "text", "integer": "integer", "JSON array": "array", "JSON object": "object"}
"""What `json_type` calls a column's type."""


def _field(name: str, type: str) -> str:
    # a foreign writer's value of another type would make `json_each` of the column an error
    path = f"e.other_fields, '$.{name}'"
    return f"CASE json_type({path}) WHEN '{_JSON_TYPES[type]}' THEN json_extract({path}) END"


SESSIONS = View(
    "sessions",
    "One row for each session.",
    (
        Column("session", "text", "s.session", "id of the session"),
        Column("title", "text", "s.title", "its title"),
        Column(
            "source",
            "text",
            f"coalesce(s.source, {_FIRST_SOURCE})",
            "where it takes place, such as `cli`; where its first message was written if no event"
            " of the session says it",
        ),
        Column("model", "text", "s.model", "the model it began with"),
        Column("cwd", "text", "s.cwd", "working directory"),
        Column("parent", "text", "s.parent", "id of the session that it continues or belongs to"),
        Column("user", "text", "s.user", "who talks to the agent"),
        Column("system_prompt", "text", "s.system_prompt", "its system prompt"),
        Column("config", "JSON object", "s.config", "configuration of the model"),
        Column(
            "started",
            "µs",
            f"coalesce(s.started, s.first, {_CREATED})",
            "when it began: the date that its events give, else that of its first message, else"
            " when it was created",
        ),
        Column("ended", "µs", "s.ended", "when it ended; NULL while it goes on"),
        Column("end_reason", "text", "s.end_reason", "why it ended"),
        Column("first_message", "µs", "s.first", "date of the earliest message of its transcript"),
        Column("last_message", "µs", "s.last", "date of the latest message of its transcript"),
        Column("message_count", "integer", "s.messages", "messages in its transcript"),
        Column("tool_call_count", "integer", _TOOL_CALLS, "calls of tools in its transcript"),
        *(
            Column(name, "integer", _total(name), "sum over its `usage.*` events; NULL if none")
            for name in COUNTS
        ),
        *(Column(name, "US dollars", f"{_total(name)} / {NANO}.0", "likewise") for name in COSTS),
        Column("extra", "JSON object", "s.extra", "everything else that its events say"),
    ),
    f"FROM _sessions s WHERE {SESSION_EXISTS}",
)

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
    Column("content", "text", "e.content", "its text, or a JSON array of content parts"),
    Column("content_is_json", "0 or 1", "e.content_is_json", "whether `content` is such an array"),
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
    Column("order_time", "µs", "e.order_time", "place in its session: first sort key"),
    Column("order_depth", "integer", "e.order_depth", "second sort key: distance from a parent"),
    Column("event_order", "integer", "e.ord", "third sort key: `order` of its event"),
    Column("lane", "text", _LANE, "fourth sort key: uuid of the lane of its event"),
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
    "FROM _events e JOIN _sessions s ON s.id = e.session WHERE e.kind = 1 AND e.state = 0",
)
ALL_MESSAGES = View(
    "all_messages",
    "One row for each message that was ever appended, also where it was archived, removed or"
    " deleted since. The columns are those of `messages`.",
    _MESSAGE_COLUMNS,
    "FROM _events e JOIN _sessions s ON s.id = e.session WHERE e.kind = 1",
)

USAGE = View(
    "usage",
    "One row for each counter of each session: what it has used. `sessions` has them as columns.",
    (
        Column("session", "text", "s.session", "id of the session"),
        Column("name", "text", "u.name", "name of the counter, such as `input_tokens`"),
        Column(
            "total",
            "by `unit`",
            f"CASE WHEN u.name IN ({', '.join(map(repr, COSTS))}) THEN u.total / {NANO}.0"
            " ELSE u.total END",
            "the sum, at most 2^63 - 1 (of a cost, in nanodollars)",
        ),
        Column(
            "unit",
            "text",
            f"CASE WHEN u.name IN ({', '.join(map(repr, COSTS))}) THEN 'US dollars'"
            " WHEN u.name = 'api_calls' THEN 'calls' ELSE 'tokens' END",
            "`tokens`, `calls` or `US dollars`",
        ),
    ),
    "FROM _usage u JOIN _sessions s ON s.id = u.session",
)
KEYS = View(
    "keys",
    "One row for each key that has a value.",
    (
        Column("namespace", "text", "s.session", "namespace of the key: an id that begins with @"),
        Column("key", "text", "k.key", "the key"),
        Column("value", "JSON", "k.value", "its value"),
    ),
    "FROM _keys k JOIN _sessions s ON s.id = k.session WHERE k.value IS NOT NULL",
)
EVENTS = View(
    "events",
    "One row for each event in force, one for each (session, id). Messages are among them.",
    (
        Column("session", "text", "s.session", "its session"),
        Column("id", "text", "e.event_id", "its id: with the session, its idempotency key"),
        Column(
            "type",
            "text",
            "(SELECT k.type FROM _kinds k WHERE k.id = e.kind)",
            "its type (see [format.md](format.md))",
        ),
        Column("time", "µs", "e.time", "when it was appended, by its writer's clock"),
        Column("event_order", "integer", "e.ord", "its `order`: with `lane` and `seq`, what sorts"),
        Column("lane", "text", _LANE, "uuid of its lane"),
        Column("seq", "integer", "e.seq", "number of its record in the lane"),
        Column(
            "transcript_index",
            "integer",
            "e.transcript_index",
            "of a message its place in the `transcript.replaced` that brought it, from 1; 0 if it"
            " is a record of its own",
        ),
        Column(
            "data",
            "JSON object",
            "CASE WHEN e.kind <> 1 THEN e.other_fields END",
            "its data; NULL for messages, which `all_messages` has",
        ),
    ),
    "FROM _events e JOIN _sessions s ON s.id = e.session",
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
            "(SELECT k.type FROM _kinds k WHERE k.id = e.kind)",
            "type of that event",
        ),
        Column("event_order", "integer", "e.ord", "its `order`: with `lane` and `seq`, what sorts"),
        Column("lane", "text", _LANE, "uuid of its lane"),
        Column("seq", "integer", "e.seq", "number of its record in the lane"),
        Column("data", "JSON object", "e.other_fields", "its data"),
    ),
    "FROM _changes c JOIN _events e ON e.id = c.event JOIN _sessions s ON s.id = c.session",
)
COPIES = View(
    "copies",
    "Where an event was appended more than once: one row for each lane that holds it.",
    (
        Column("session", "text", "s.session", "session of the event"),
        Column("id", "text", "c.event_id", "id of the event"),
        Column(
            "lane",
            "text",
            "(SELECT l.uuid FROM _lanes l WHERE l.id = c.lane_row)",
            "uuid of the lane",
        ),
        Column("seq", "integer", "c.seq", "lowest number of its records in that lane"),
    ),
    "FROM _copies c JOIN _sessions s ON s.id = c.session",
)
CONFLICTS = View(
    "conflicts",
    "One row for each content that is not in force because another one under the same (session,"
    " id) is earlier.",
    (
        Column("session", "text", "s.session", "session of both events"),
        Column("id", "text", "c.event_id", "id of both events"),
        Column("type", "text", "c.type", "type of the event that is not in force"),
        Column("time", "µs", "c.time", "when it was appended"),
        Column("event_order", "integer", "c.ord", "its `order`"),
        Column(
            "lane",
            "text",
            "(SELECT l.uuid FROM _lanes l WHERE l.id = c.lane_row)",
            "uuid of its lane",
        ),
        Column("seq", "integer", "c.seq", "number of its record in the lane"),
        Column("data", "JSON object", "c.data", "its data"),
    ),
    "FROM _conflicts c JOIN _sessions s ON s.id = c.session",
)
QUARANTINE = View(
    "quarantine",
    "One row for each run of bytes of a segment that is no valid record, or none that this version"
    " can apply.",
    (
        Column("lane_folder", "text", "q.lane_folder", "name of the lane's folder in `lanes/`"),
        Column("segment_number", "integer", "q.number", "number of the segment: its file's name"),
        Column("offset", "bytes", "q.offset", "where the run begins in the segment"),
        Column("length", "bytes", "q.length", "how long it is"),
        Column("lane", "text", "nullif(q.lane, '')", "uuid of the lane, if it is known"),
        Column("segment", "text", "nullif(q.segment, '')", "uuid of the segment, if it is known"),
        Column("reason", "text", "q.reason", "what is wrong with it"),
    ),
    "FROM _quarantine q",
)
LANES = View(
    "lanes",
    "One row for each lane that the projection has read.",
    (
        Column("lane", "text", "l.uuid", "uuid of the lane"),
        Column("applied", "integer", "l.applied", "number of its last record that is applied"),
        Column(
            "segment_count",
            "integer",
            "(SELECT count(*) FROM _segments g WHERE g.lane_row = l.id)",
            "segments that were read",
        ),
        Column(
            "byte_count",
            "bytes",
            "(SELECT coalesce(sum(g.offset), 0) FROM _segments g WHERE g.lane_row = l.id)",
            "bytes of them that are applied",
        ),
    ),
    "FROM _lanes l",
)

VIEWS = (
    SESSIONS,
    MESSAGES,
    ALL_MESSAGES,
    USAGE,
    KEYS,
    EVENTS,
    MESSAGE_CHANGES,
    COPIES,
    CONFLICTS,
    QUARANTINE,
    LANES,
)
"""Every view, in the order in which docs/sql.md has them."""

CREATE = "".join(view.create for view in VIEWS)
"""The statements that make all views."""
