"""The report of an import, as text and as JSON."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from journal.cli.kit.output import print_json, print_line, warn
from journal.cli.kit.streams import flush_or_discard
from journal.errors import counted
from journal.importers.files.decode import NOT_JSON

if TYPE_CHECKING:
    from journal.importers.run.report import Report

_NAMED = 10
"""Files of no known format that stderr names."""
_FEW = 3
"""Files that are named for each reason why files were skipped."""
_FAILED = 20
"""Files with an error that are named."""


def print_report(report: Report, *, as_json: bool, interrupted: bool) -> None:
    """Write the report; what was imported stays, also if the report has no reader."""
    try:
        if not as_json:
            _show(report)
        _show_errors(report)
        for text in report.warnings:
            warn(text)
        if report.is_empty:
            print_line(f"Nothing was imported: {_why_nothing(report)}", err=True)
        if interrupted:
            text = "Interrupted: the counted messages are stored; import again for the rest."
            print_line(text, err=True)
        if as_json:
            print_json(report.as_json(), indent=True)
    except BrokenPipeError:
        flush_or_discard()


def _show(report: Report) -> None:
    rows = list(report.rows())
    width = max(len(name) for name, _ in rows)
    digits = max(len(count) for _, count in rows)
    for name, count in rows:
        print_line(f"{name:<{width}}  {count:>{digits}}", err=True)
    for reason, paths in report.passed_over.items():
        for name in paths[:_FEW]:
            print_line(f"passed over: {report.redact(name)}: {reason}", err=True)
    if (at := report.skipped_at.get(NOT_JSON)) is not None:
        others = " and others" if report.skipped[NOT_JSON] > 1 else ""
        print_line(f"{NOT_JSON}: {report.redact(at)}{others}", err=True)
    for name in report.vanished[:_NAMED]:
        print_line(f"gone: {name}: only the journal has it", err=True)
    for name in report.conflicting[:_NAMED]:
        print_line(f"conflict: {name} is stored with another content, which stays", err=True)
    for path, conflicts in report.conflicts_in.most_common(_FEW):
        print_line(f"conflicts: {conflicts:,} in {report.redact(path)}", err=True)
    for name in report.unknown[:_NAMED]:
        print_line(f"no known format: {report.redact(name)}", err=True)
    if len(report.unknown) > _NAMED:
        more = len(report.unknown) - _NAMED
        print_line(f"no known format: {more:,} more; --json names them all", err=True)


def _why_nothing(report: Report) -> str:
    """Return why an import stored nothing."""
    if report.errors:
        return "no file could be read"
    if report.files:
        return f"no message in {counted(report.files, 'file')}"
    others = len(report.unknown)
    if others:
        return f"no transcript, and {counted(others, 'file')} of no known format"
    return "no transcript was found"


def _show_errors(report: Report) -> None:
    for name, why in itertools.islice(report.errors.items(), _FAILED):
        print_line(f"Error: {report.redact(name)}: {report.redact(why)}", err=True)
    if len(report.errors) > _FAILED:
        more = len(report.errors) - _FAILED
        print_line(f"Error: {more:,} more files; --json names them all", err=True)
