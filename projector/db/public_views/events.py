"""The views of events as they were appended, of conflicts, damage and lanes."""

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

EVENTS = View(
    "events",
    "One row for each event in force, one for each (session, id). Messages are among them.",
    (
        Column("session", "text", "s.session", "its session"),
        Column("id", "text", "e.event_id", "its id: with the session, its idempotency key"),
        Column(
            "type",
            "text",
            EVENT_TYPE,
            "its type (see [format.md](format.md))",
        ),
        Column("time", "µs", "e.time", "when it was appended, by its writer's clock"),
        *sort_key("e"),
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
            f"CASE WHEN e.kind <> {MESSAGE} THEN e.other_fields END",
            "its data; NULL for messages, which `all_messages` has",
        ),
        redacted("e"),
    ),
    f"FROM _events e JOIN _sessions s ON s.id = e.session WHERE {OWN}",
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
            lane_uuid("c"),
            "uuid of the lane",
        ),
        Column("seq", "integer", "c.seq", "lowest number of its records in that lane"),
    ),
    f"FROM _copies c JOIN _sessions s ON s.id = c.session WHERE {OWN}",
)
CONFLICTS = View(
    "conflicts",
    "One row for each content that is not in force because another one under the same (session,"
    " id) is earlier. One that differs only by what was redacted in it is no conflict.",
    (
        Column("session", "text", "s.session", "session of both events"),
        Column("id", "text", "c.event_id", "id of both events"),
        Column("type", "text", "c.type", "type of the event that is not in force"),
        Column("time", "µs", "c.time", "when it was appended"),
        *sort_key("c"),
        Column("data", "JSON object", "c.data", "its data"),
        redacted("c"),
    ),
    f"FROM _other_contents c JOIN _sessions s ON s.id = c.session WHERE NOT c.same AND {OWN}",
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
