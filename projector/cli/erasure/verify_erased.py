"""`journal verify --erased`: print what is left of what was forgotten."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from journal.cli.kit.exits import DAMAGED, DONE, INCOMPLETE
from journal.cli.kit.output import print_json, print_line
from journal.erasure.receipts import REMEDY
from journal.errors import counted
from projector.forgetting.files.check import check_erased

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.fs.directory import Directory
    from projector.forgetting.files.check import ErasedReport


def print_check(journal: Directory, as_json: bool) -> int:  # noqa: FBT001 - `journal verify` calls it so
    """Print a check of everything below a journal's folder; return the exit code.

    Raises:
        JournalOpenError, ReadError: as `check_erased`.
    """
    report = check_erased(journal)
    if as_json:
        print_json(asdict(report))
        return _code(report)
    for found in report.found:
        print_line(f"{found.where}: {found.count:,} of what request {found.request} forgets")
    for unchecked in report.unchecked:
        print_line(f"not checked: {unchecked.where}: {unchecked.why}", err=True)
    for id in report.lost:
        print_line(f"the request {id} to forget is in no lane any more: {REMEDY}")
    compared = f"{counted(report.events, 'event')}, {counted(report.requests, 'request')}"
    print_line(f"{compared}: {'; '.join(_verdict(report))}")
    return _code(report)


def _verdict(report: ErasedReport) -> Iterator[str]:
    """Yield what a check found, the worst first."""
    if report.found:
        yield "something forgotten is left: `journal forget --finish` removes it"
    if report.lost:
        lost = counted(len(report.lost), "request")
        yield f"lost: {lost}, named above, and what that forgot can still be here"
    if not (report.found or report.lost):
        yield "nothing forgotten was found"
    if report.unchecked:
        yield f"not checked: {counted(len(report.unchecked), 'place')}, named above"


def _code(report: ErasedReport) -> int:
    if report.found or report.lost:
        return DAMAGED
    return INCOMPLETE if report.unchecked else DONE
