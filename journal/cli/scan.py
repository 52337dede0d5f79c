"""`journal scan`: find secrets that older rules let through."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from journal.cli.kit.exits import DAMAGED, FAILED
from journal.cli.kit.output import print_json_lines, print_line
from journal.fs.directory import open_directory
from journal.leaks import find_leaks
from journal.redact.setup import journal_scanners

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.format.scan import Damage
    from journal.leaks import Leak
    from journal.segments.listing import SegmentRef


@click.command("scan")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_context
def command(context: click.Context, *, as_json: bool) -> None:
    """Find secrets in the journal that older rules, or imports without redaction, let through.

    Each line names a session, an event and the kind of the secret, never the secret. The rules are
    those of this version and of redact.toml in the journal's folder (docs/redaction.md). Nothing is
    changed.

    JSON: {"session", "id", "type", "lane", "seq", "kind", "count"}

    The exit code is 1 if a secret is found. Bytes that are no valid record are reported on stderr;
    the exit code is then 5. There is no time limit.

    \b
        journal scan
        journal scan --json | jq -r .kind | sort | uniq -c
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    directory = open_directory(context.obj, create=False)
    scanners = journal_scanners(directory.path)
    kinds: Counter[str] = Counter()
    damages = []

    def on_damage(ref: SegmentRef, damage: Damage) -> None:
        damages.append(damage)
        where = f"lane {ref.lane} segment {ref.number} offset {damage.offset}"
        print_line(f"damage: {where} {damage.length} bytes: {damage.reason}", err=True)

    def counted() -> Iterator[Leak]:
        for leak in find_leaks(directory, scanners, on_damage):
            kinds[leak.kind] += leak.count
            yield leak

    if as_json:
        print_json_lines(map(asdict, counted()))
    else:
        for leak in counted():
            print_line(f"{leak.session}  {leak.id}  {leak.kind}  {leak.count:,}")
        found = ", ".join(f"{kind} {count:,}" for kind, count in kinds.most_common())
        print_line(f"secrets found: {found}" if found else "no secrets found", err=True)
    if damages:
        context.exit(DAMAGED)
    if kinds:
        context.exit(FAILED)
