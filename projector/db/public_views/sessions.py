"""The views of sessions, of what they have used, and of keys."""

from __future__ import annotations

from journal.format.event_types import COSTS, COUNTS
from projector.db.kinds import MESSAGE
from projector.db.public_views.view import OWN, Column, View, lane_uuid
from projector.db.tags import given
from projector.fold.sessions import NANO

SESSION_EXISTS = f"(s.known OR s.message_total > 0) AND {OWN}"
"""Condition on a row `s` of `_sessions`: it is a session, and no deleted one or a mere name."""

_CREATED = f"""(SELECT min(e.time) FROM _events e WHERE e.session = s.id AND e.kind <> {MESSAGE}
    AND e.kind IN (SELECT k.id FROM _kinds k
      WHERE k.type IN ('session.created', 'session.ensured')))"""
_FIRST_SOURCE = f"""(SELECT e.source FROM _events e
    WHERE e.session = s.id AND e.kind = {MESSAGE} AND e.state = 0
    ORDER BY e.order_time, e.order_depth, e.ord, {lane_uuid("e")}, e.seq, e.transcript_index
    LIMIT 1)"""
_TOOL_CALLS = f"""(SELECT coalesce(sum(json_array_length(e.other_fields, '$.tool_calls')), 0)
    FROM _events e WHERE e.session = s.id AND e.kind = {MESSAGE} AND e.state = 0
    AND e.other_fields IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM _shared x WHERE x.event = e.id AND x.home IS NOT NULL))"""
_RELATION = """coalesce(s.relation,
    CASE WHEN s.parent IS NULL AND s.origin IS NOT NULL THEN 'fork' END)"""
_FIRST_OWN = "CASE WHEN s.replays > 0 THEN s.own_first END"
"""The moment of the first message that a fork does not repeat."""


def _total(name: str) -> str:
    return f"(SELECT u.total FROM _usage u WHERE u.session = s.id AND u.name = '{name}')"


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
            " of the session has one",
        ),
        Column(
            "model",
            "text",
            given("model", "s."),
            "the model it began with; if no event of the session has one, that of the first message"
            " of its transcript that has one",
        ),
        Column(
            "cwd",
            "text",
            given("cwd", "s."),
            "working directory; likewise (`extra.cwd` of a message)",
        ),
        Column(
            "parent",
            "text",
            "coalesce(s.parent, s.origin)",
            "id of the session that it continues or belongs to; if no event names it, of that whose"
            " last message it repeats",
        ),
        Column(
            "relation",
            "text",
            _RELATION,
            "what it is of its parent: `fork`, `subagent` or `continuation`",
        ),
        Column(
            "branch",
            "text",
            given("branch", "s."),
            "git branch of the working directory; likewise (`extra.git_branch` of a message)",
        ),
        Column("commit", "text", 's."commit"', "git commit of the working directory"),
        Column(
            "gone",
            "µs",
            "s.gone",
            "when it was noticed that no source of it is left; NULL while there is one",
        ),
        Column("user", "text", "s.user", "who talks to the agent"),
        Column("system_prompt", "text", "s.system_prompt", "its system prompt"),
        Column("config", "JSON object", "s.config", "configuration of the model"),
        Column(
            "started",
            "µs",
            f"coalesce(s.started, {_FIRST_OWN}, s.first, {_CREATED})",
            "when it began: the date that its events give, else that of its first message (of a"
            " fork: the first that it does not repeat), else when it was created",
        ),
        Column("ended", "µs", "s.ended", "when it ended; NULL while it continues"),
        Column("end_reason", "text", "s.end_reason", "why it ended"),
        Column("first_message", "µs", "s.first", "date of the earliest message of its transcript"),
        Column("last_message", "µs", "s.last", "date of the latest message of its transcript"),
        Column(
            "message_count",
            "integer",
            "s.messages - s.replays",
            "messages in its transcript, without replays",
        ),
        Column(
            "replay_count",
            "integer",
            "s.replays",
            "messages in its transcript that repeat one of another session",
        ),
        Column("tool_call_count", "integer", _TOOL_CALLS, "calls of tools in those that count"),
        *(
            Column(name, "integer", _total(name), "sum over its `usage.*` events; NULL if none")
            for name in COUNTS
        ),
        *(Column(name, "US dollars", f"{_total(name)} / {NANO}.0", "likewise") for name in COSTS),
        Column("extra", "JSON object", "s.extra", "everything else that its events say"),
    ),
    f"FROM _sessions s WHERE {SESSION_EXISTS}",
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
    f"FROM _usage u JOIN _sessions s ON s.id = u.session WHERE {OWN}",
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
