"""`projector export`: sessions in the formats of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from journal.cli.kit.names import Name
from journal.cli.kit.output import print_line, print_pieces
from journal.cli.kit.paths import NonEmptyPath
from journal.errors import counted
from projector.cli.kit.behind import warn_if_behind
from projector.cli.kit.filters import about, filter_options, print_unknown, session_options
from projector.cli.kit.queries import Asked, query_options, take_asked
from projector.export.conversation import Detail
from projector.export.export import begin_export
from projector.export.file import check_target, write_file
from projector.export.formats import names
from projector.export.otlp.conventions import LATEST, VERSIONS
from projector.projection import Projection
from projector.reading.listing import session_filters
from projector.search.hits import Look
from projector.views.sessions import session_ids

_ALL = 1_000_000
"""Sessions at most."""


class _Format(click.ParamType[str]):
    """The name of a format that is installed."""

    name = "format"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse a name that no format has."""
        known = names()
        if value not in known:
            listed = ", ".join(known) or "none"
            self.fail(f"{value!r} is not an installed format (installed: {listed})", param, ctx)
        return value


@click.command("export")
@click.argument("sessions", metavar="[SESSION]...", type=Name(), nargs=-1)
@click.option("--query", metavar="Q", help="The sessions of messages that a search for Q finds.")
@click.option("--all", "every", is_flag=True, help="All sessions.")
@query_options
@filter_options
@click.option(
    "--limit",
    type=click.IntRange(1, _ALL),
    metavar="N",
    help="With --query, --all or a filter: N sessions at most.",
)
@click.option("--format", type=_Format(), default="md", metavar="F", show_default=True)
@click.option(
    "--detail",
    type=click.Choice(get_args(Detail)),
    default="full",
    show_default=True,
    help="How much of each session.",
)
@click.option(
    "--redact/--no-redact", default=True, help="Replace secrets by marks.  [default: redact]"
)
@click.option(
    "--otlp-version",
    type=click.Choice(tuple(VERSIONS)),
    default=LATEST,
    show_default=True,
    help="Of the GenAI conventions that the spans of otlp follow.",
)
@click.option(
    "-o",
    "--output",
    type=NonEmptyPath(path_type=Path),
    metavar="FILE",
    help="Write to FILE, which only you may read.",
)
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 - one argument an option, as click passes them
    context: click.Context,
    /,
    sessions: tuple[str, ...],
    query: str | None,
    every: bool,  # noqa: FBT001 - click gives flags so
    limit: int | None,
    format: str,
    detail: Detail,
    redact: bool,  # noqa: FBT001
    otlp_version: str,
    output: Path | None,
    **filters: Any,  # noqa: ANN401 - the options of `query_options` and `filter_options`
) -> None:
    """Write conversations in the format of another program.

    SESSION is an id, or what `projector show` takes for one. Without any, --query, --all or
    filters say which sessions: those that `projector search Q` finds with the same options, that
    with the best hit first, or those that `projector sessions` lists.

    \b
    Formats:
        md       Markdown, as `projector show --markdown`
        html     one file to read, print and share, without scripts; it needs
                 `pip install 'agent-journal[web]'`
        json     one document with all sessions
        jsonl    a line for each message
        atif     ATIF 1.8, a trajectory a line, which `journal import` reads
        otlp     spans for OpenTelemetry, in lines of JSON, by its conventions for
                 generative AI

    \b
    Detail:
        full     everything
        normal   without thinking, and without the middle of long outputs and
                 arguments of tools
        prompts  what people typed, and the final answers

    \b
        projector export 8e1f2a3b > conversation.md
        projector export 8e1f2a3b --format atif -o trajectory.json
        projector export --query 'docker compose' --project web --format json
        projector export --query 'a != b' --literal --format html -o found.html
        projector export --all --since 7d --format jsonl | jq -r .role | sort

    Secrets that the rules of today know are replaced by marks (docs/redaction.md). A message that
    a fork repeats is marked, in most formats by `home`, the session in which it counts.

    FILE is replaced when the text is complete; after an error it is as it was. docs/export.md
    describes each format. Other packages can add formats (entry points of the group
    projector.formats).

    JSON: {"detail", "redacted", "sessions": [{"session": {...}, "messages": [{"id", "role",
    "time", "content", ...}]}]}

    A session and a message are as in `projector show --json`; a line of jsonl is a message with
    the id of its `session`.

    There is no time limit. The exit code is 3 if a SESSION does not exist; nothing is written then.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    asked = take_asked(filters)
    if query is None and asked != Asked():
        names = "--literal, --regex, --role, --include-meta, --include-replays and --sort"
        raise click.UsageError(f"{names} go with --query")
    narrowed = every or query is not None or any(filters.values())
    if bool(sessions) == narrowed:
        raise click.UsageError("name sessions, or give --query, --all or a filter, not both")
    if sessions and limit is not None:
        raise click.UsageError("--limit goes with --query, --all or a filter")
    target = None if output is None else check_target(output)
    with Projection.open(context.obj) as projection:
        if not sessions:
            sessions = _found(projection, query, asked, limit or _ALL, about(filters))
        if not sessions:
            print_line("no session was found; nothing was written", err=True)
            context.exit(print_unknown(projection, {**filters, "role": asked.role}))
        export = begin_export(
            projection,
            context.obj,
            sessions,
            format,
            detail=detail,
            redact=redact,
            otlp_version=otlp_version,
        )
        warn_if_behind(export.behind)
        if target is None:
            print_pieces(export.pieces)
        else:
            size = write_file(target, export.pieces)
            done = f"{counted(len(export.sessions), 'session')}, {counted(size, 'byte')}"
            print_line(f"{done}: {output}", err=True)
    for name in sorted(export.edited):
        print_line(
            f"session {name} was edited meanwhile: some of its messages can be as they were before",
            err=True,
        )
    if secrets := export.redacted.total():
        verb = "was" if secrets == 1 else "were"
        print_line(f"{counted(secrets, 'secret')} {verb} replaced by marks", err=True)


def _found(
    projection: Projection, query: str | None, asked: Asked, limit: int, filters: dict[str, Any]
) -> tuple[str, ...]:
    """Return the ids of the sessions that a query and filters find."""
    if query is None:
        wanted = session_filters(**session_options(projection, filters))
        return tuple(projection.read(lambda db: session_ids(db, wanted, limit=limit))[0])
    look = Look(width=1, context=0)
    results = projection.search(
        query, limit=limit, group="session", enough=0, look=look, **asked.arguments(), **filters
    )
    if not results.exact:
        print_line("only the newest of the matches were looked at: narrow the query down", err=True)
    return tuple(hit.session for hit in results.hits)
