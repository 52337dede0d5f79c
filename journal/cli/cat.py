"""`journal cat`: print events as JSON lines."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from journal.cli.kit.exits import DAMAGED
from journal.cli.kit.names import Name
from journal.cli.kit.output import print_json_lines, print_line, warn
from journal.cli.kit.times import Moment
from journal.erasure.follow import EventFollower
from journal.errors import counted
from journal.events import POLL, EventFilter
from journal.fs.directory import open_directory

if TYPE_CHECKING:
    from pathlib import Path

    from journal.format.scan import Damage
    from journal.redact.redactor import Redactor
    from journal.segments.listing import SegmentRef
    from journal.segments.reader import Located


@click.command("cat")
@click.option(
    "--session", type=Name(), metavar="S", help="Only events of this session, by its whole id."
)
@click.option("--since", type=Moment(), metavar="T", help="Only events appended at T or later.")
@click.option(
    "--type",
    "types",
    type=Name(),
    multiple=True,
    metavar="TYPE",
    help="Only this type; repeatable.",
)
@click.option("--follow", is_flag=True, help="Go on and print new events, until Ctrl-C.")
@click.option("--redact", is_flag=True, help="Replace secrets by marks, by the rules of today.")
@click.pass_context
def command(
    context: click.Context,
    session: str | None,
    since: int | None,
    types: tuple[str, ...],
    follow: bool,  # noqa: FBT001 - click gives flags so
    redact: bool,  # noqa: FBT001
) -> None:
    """Print events as JSON lines, in the order of events.

    They are sorted by `order`, then by lane and sequence number. T is a date (2026-01-31), a time
    (2026-01-31T12:00:00Z; local without a zone), or how far back (30m, 2h, 3d, 1w).

    JSON: {"lane", "seq", "id", "type", "session", "time", "order",
           "redacted": {"key", "original", "rules", "counts": {...}}, "importer", "data": {...}}

    Events are printed as they were appended. With --redact secrets that the rules of today know are
    replaced by marks, for output that others read.

    `time` is in µs since 1970. `redacted` is there only if something in `data` was redacted,
    `importer` (name and version) only if the event was imported. An event that was appended more
    than once is printed more than once. What is forgotten is not printed. Bytes that are no valid
    record are reported on stderr; the exit code is then 5. There is no time limit.

    \b
        journal cat --since 2h
        journal cat --session s1 --type message.appended | jq -r .data.content
        journal cat --follow | jq -r '"\\(.session) \\(.data.role)"'
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    damages = []

    def on_damage(ref: SegmentRef, damage: Damage) -> None:
        damages.append(damage)
        print_line(
            f"damage: lane {ref.lane} segment {ref.number} offset {damage.offset}"
            f" {counted(damage.length, 'byte')}: {damage.reason}",
            err=True,
        )

    asked = EventFilter(session, since, frozenset(types) if types else None)

    def wanted(at: Located) -> bool:
        return asked.passes(at.record.event)

    journal = open_directory(context.obj, create=False)
    follower = EventFollower(journal, on_damage, warn)
    fields = partial(_fields, redactor=_redactor(journal.path) if redact else None)
    print_json_lines(map(fields, filter(wanted, follower.read())))
    while follow:
        time.sleep(POLL)
        print_json_lines(map(fields, filter(wanted, follower.poll())))
    if damages:
        context.exit(DAMAGED)


def _redactor(journal: Path) -> Redactor:
    from journal.redact.setup import way_out  # noqa: PLC0415 - it loads the rules

    return way_out(journal)


def _fields(at: Located, redactor: Redactor | None) -> dict[str, Any]:
    event = at.record.event
    data, redacted = event.data, event.redacted
    if redactor is not None:
        data, more = redactor.redact(event.type, data)
        if more is not None:
            redacted = more if redacted is None else redacted.with_more(more.rules, more.counts)
    about: dict[str, Any] = {} if redacted is None else {"redacted": redacted.fields()}
    if event.importer is not None:
        about["importer"] = event.importer
    return {
        "lane": at.lane,
        "seq": at.record.seq,
        "id": event.id,
        "type": event.type,
        "session": event.session,
        "time": event.time,
        "order": event.order,
        **about,
        "data": data,
    }
