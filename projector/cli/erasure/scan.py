"""`journal scan`: find secrets that older rules let through, and redact them."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from journal.cli.kit.ask import ask
from journal.cli.kit.exits import BUSY, DAMAGED, DONE, FAILED, ExitCommand
from journal.cli.kit.output import print_json, print_json_lines, print_line
from journal.errors import counted
from journal.fs.directory import open_directory
from journal.leaks import find_leaks
from journal.redact.setup import journal_scanners
from projector.cli.erasure.confirm import Mode, exit_code
from projector.cli.erasure.show_outcome import outcome_json, show_outcome
from projector.cli.kit.codes import CODES
from projector.redaction import find_secrets, redact_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sized
    from pathlib import Path

    from journal.format.scan import Damage
    from journal.leaks import Leak
    from journal.segments.damaged_bytes import DamagedBytes
    from journal.segments.listing import SegmentRef
    from projector.forgetting.finish import Outcome
    from projector.redaction import SecretsFound


@click.command("scan", cls=ExitCommand, codes=CODES)
@click.option("--redact", "redacts", is_flag=True, help="Replace them by marks.")
@click.option("--dry-run", is_flag=True, help="With --redact: only show what would be replaced.")
@click.option("--yes", is_flag=True, help="With --redact: do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; without --redact one a line.")
@click.pass_context
def command(
    context: click.Context,
    *,
    redacts: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Find secrets that were stored before the rules knew them.

    Older rules, or an import without redaction, let them through. Each line names a session, an
    event and the kind of the secret, never the secret. The rules are those of this version and of
    redact.toml in the journal's folder (docs/redaction.md). Nothing is changed, and the exit code
    is 1 if a secret is found.

    With --redact the secrets are replaced by marks, as if they had been redacted before they were
    written, and the old bytes are removed as `journal forget` removes them. It shows the secrets
    and asks; without a terminal, or with --json, it needs --yes if there are any. The events keep
    their ids, their times and their places. An import of the same file adds nothing and does not
    bring the secrets back. The exit code is 0 if all are replaced. With --dry-run nothing is
    changed, and the exit code is 1 if a secret is found, as without --redact.

    \b
        journal scan
        journal scan --json | jq -r .kind | sort | uniq -c
        journal scan --redact --dry-run
        journal scan --redact --yes

    A segment that another process holds is named as pending, and the exit code is 7, as for
    `journal forget`. Bytes that are no valid record cannot be searched: they are reported on
    stderr, and the exit code is 5. There is no time limit.

    JSON: {"session", "id", "type", "lane", "seq", "kind", "count"};
    {"secrets": [{...}], "texts", "outcome": {"requests", "lines", "segments", "bytes",
    "generations", "pending": [{...}], "unreadable": [{...}], "newer": [{...}], "lost",
    "foreign", "unknown_keys", "sink", "started", "duration"}}

    The second is that of --redact: `texts` is the number of different texts with secrets, and
    `outcome` is that of `journal forget`, null if nothing was done.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    if redacts:
        _redact(context, Mode(dry_run, yes, as_json))
        return
    if dry_run or yes:
        raise click.UsageError("--dry-run and --yes go with --redact: a scan alone changes nothing")
    directory = open_directory(context.obj, create=False)
    scanners = journal_scanners(directory.path)
    kinds: Counter[str] = Counter()
    damages = []

    def on_damage(ref: SegmentRef, damage: Damage) -> None:
        damages.append(damage)
        _print_damage(ref.lane, ref.number, damage)

    def seen() -> Iterator[Leak]:
        for leak in find_leaks(directory, scanners, on_damage):
            kinds[leak.kind] += leak.count
            yield leak

    if as_json:
        print_json_lines(map(asdict, seen()))
    else:
        for leak in seen():
            _print_leak(leak)
        _print_kinds(kinds)
    context.exit(_scan_code(damages, kinds))


def _scan_code(damaged: Sized, secrets: Sized) -> int:
    """Return the exit code of a search that replaces nothing."""
    if damaged:
        return DAMAGED
    return FAILED if secrets else DONE


def _redact(context: click.Context, mode: Mode) -> None:
    """Show the secrets, ask, and redact them."""
    path: Path = context.obj
    if not mode.yes or mode.dry_run:
        found = find_secrets(path)
        if found and mode.as_json:
            mode.check()  # its error takes the place of the JSON
        _show(found, None, as_json=mode.as_json)
        if mode.dry_run or not found:
            context.exit(_scan_code(found.damaged, found.leaks))
        mode.check()
        if not ask("Replace them by marks for ever?"):
            print_line("nothing was changed", err=True)
            context.exit(FAILED)
    found, outcome = redact_secrets(path)
    _show(found, outcome, as_json=mode.as_json)
    code = exit_code(outcome)
    if code != BUSY and found.damaged:
        code = DAMAGED
    if code:
        context.exit(code)


def _show(found: SecretsFound, outcome: Outcome | None, *, as_json: bool) -> None:
    """Show what was found and, if something was done, what."""
    if as_json:
        done = None if outcome is None or not found else outcome_json(outcome)
        secrets = [asdict(leak) for leak in found.leaks]
        print_json({"secrets": secrets, "texts": found.texts, "outcome": done})
        return
    if outcome is None:
        for leak in found.leaks:
            _print_leak(leak)
    for each in found.damaged:
        _print_damage(each.lane_folder, each.segment, each)
    _print_kinds(found.kinds)
    if outcome is not None and found:
        show_outcome(outcome, "redacted")


def _print_leak(leak: Leak) -> None:
    print_line(f"{leak.session}  {leak.id}  {leak.kind}  {leak.count:,}")


def _print_kinds(kinds: Mapping[str, int]) -> None:
    found = ", ".join(f"{kind} {count:,}" for kind, count in Counter(kinds).most_common())
    print_line(f"secrets found: {found}" if found else "no secrets found", err=True)


def _print_damage(lane: str, segment: int, damage: Damage | DamagedBytes) -> None:
    where = f"lane {lane} segment {segment} offset {damage.offset}"
    print_line(f"damage: {where} {counted(damage.length, 'byte')}: {damage.reason}", err=True)
