"""The modules that commands of a shell hook may import: each costs time at every run.

A new import fails these tests. If most runs do not need it, import it where it is used. Else add it
here, and run `python -m tools.bench.command_line` before and after.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from journal import Journal
from projector import Projection
from tools.bench.command_line import BASELINE

if TYPE_CHECKING:
    from pathlib import Path

_PROGRAM = f"""
import sys
{BASELINE}
before = set(sys.modules)
from importlib import import_module
main = import_module(sys.argv[1] + ".__main__").main
sys.argv = sys.argv[1:]
try:
    main()
finally:
    print(*sorted(set(sys.modules) - before), file=sys.stderr)
"""


def _names(text: str) -> set[str]:
    return set(text.split())


_START = _names("""
journal journal.cli journal.cli.kit journal.cli.kit.clean journal.cli.kit.commands
journal.cli.kit.exits journal.cli.kit.output journal.cli.kit.paths journal.cli.kit.plugins
journal.process.entry_points
journal.cli.kit.program journal.cli.kit.signals journal.cli.kit.streams journal.errors
journal.format journal.format.bounds journal.format.event journal.format.event_types
journal.format.fields journal.format.fields.erasure
journal.format.frame journal.format.lossless journal.format.record journal.format.scan
journal.format.redacted journal.format.timestamps
journal.fs journal.fs.directory journal.fs.disk journal.fs.files journal.fs.location journal.fs.lock
journal.fs.ownership journal.process journal.process.clock journal.process.exports
journal.process.ending journal.process.fork journal.process.ids journal.process.loading
journal.process.turn
journal.segments journal.segments.segment
""")
"""Modules that both commands need."""

_APPEND = _START | _names("""
journal.__main__ journal.arriving journal.cli.append journal.cli.arrivals journal.cli.message_lines
journal.erasure journal.erasure.lock journal.format.fields.message journal.fs.waiting
journal.format.new_event journal.format.position journal.lanes journal.lanes.background
journal.lanes.group_commit
journal.lanes.lane journal.lanes.leasing journal.lanes.unsynced journal.lanes.recovery
journal.lanes.roll_request journal.lanes.torn journal.lanes.writer
journal.process.boot journal.redact journal.redact.checks journal.redact.checks.runs
journal.redact.quick journal.segments.segment_file
journal.writer
""")

_SEARCH = _START | _names("""
journal.cli.kit.names
journal.cli.kit.terminal journal.cli.kit.terminal.table journal.cli.kit.terminal.width
journal.cli.kit.terminal.wrap journal.cli.kit.times journal.format.fields.extra
journal.format.transcript_order
journal.format.sequence journal.segments.blocks journal.segments.listing
journal.segments.mirrors journal.segments.settled journal.segments.unchanged
journal.segments.reader projector projector.__main__ projector.cli projector.cli.kit
projector.cli.kit.behind projector.cli.kit.codes projector.cli.kit.filters
projector.cli.kit.part projector.cli.kit.queries projector.fold.part
projector.search.ordering.databases
projector.cli.kit.render projector.cli.kit.short_names projector.cli.kit.timeout
projector.cli.search projector.db projector.db.checksums
projector.db.columns projector.db.connections projector.db.fork_safety projector.db.generations
projector.db.kinds projector.db.process_lock projector.db.quiet projector.db.read_only
projector.db.rows projector.db.schema projector.db.sqlite_errors projector.db.tags
journal.format.position projector.arguments
projector.errors projector.fold projector.fold.facets
projector.fold.messages projector.fold.sessions
projector.fold.sweeps projector.projection projector.reading projector.reading.asking
projector.reading.deadline projector.reading.goal
projector.reading.handle projector.reading.hidden projector.reading.hidden.check
projector.reading.hidden.shows_forgotten projector.reading.hidden.temporary projector.reading.in_use
projector.reading.listing projector.reading.searching
projector.reading.own_projector projector.reading.private projector.reading.private.beside
projector.reading.reader projector.reading.refresher projector.reading.whole
projector.reading.usage projector.run
journal.segments.gone
projector.run.open_segments projector.run.watermark projector.search projector.search.plain
projector.search.filters projector.search.find
projector.search.functions projector.search.hits projector.search.matches
projector.search.ordering projector.search.ordering.folded projector.search.ordering.order
projector.search.ordering.titles
projector.search.prefixes projector.search.ranking
projector.search.conditions projector.search.conditions.narrowing
projector.search.conditions.times
projector.search.request projector.search.results projector.search.texts
projector.text projector.text.document
projector.text.highlight projector.text.literal projector.text.normalize projector.text.query
projector.text.query_tree projector.text.snippet projector.text.term projector.text.tokens
projector.views projector.views.fields projector.views.freshness projector.views.messages
projector.views.session_names projector.views.sessions
""")


def _imported(journal: Path, *command: str) -> set[str]:
    """Return the modules that a command imports and the baseline does not."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *command],
        env=os.environ | {"JOURNAL_DIR": str(journal)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stderr.split())


def _others(modules: set[str]) -> set[str]:
    """Return the packages of foreign modules, without built-in and private ones."""
    tops = {name.partition(".")[0] for name in modules} - {"journal", "projector"}
    return {name for name in tops if not name.startswith("_")}


def test_append_imports_only_what_it_needs(journal_dir: Path) -> None:
    """`journal append` loads only the write side: no reader, no rich, no json."""
    command = ("journal", "append", "--session", "s1", "--role", "user", "hi")
    modules = _imported(journal_dir, *command)
    own = {name for name in modules if name.startswith(("journal", "projector"))}
    assert own - _APPEND == set()
    assert _others(modules) - _names("encodings gc heapq queue signal") == set()


def test_append_without_redaction_loads_no_rules(journal_dir: Path) -> None:
    """With `--no-redact` also a text that may have a secret loads none; without it, it does."""
    command = ("journal", "append", "--session", "s1", "--role", "user", "a token")
    modules = _imported(journal_dir, *command, "--no-redact")
    assert not {name for name in modules if name.startswith("journal.redact.rule")}
    assert "journal.redact.rules" in _imported(journal_dir, *command)


def test_search_imports_only_what_it_needs(journal_dir: Path) -> None:
    """With nothing to apply, `projector search` loads neither the applier nor the store."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", "hello needle")
    with Projection.open(journal_dir) as projection:
        assert len(projection.search("needle").hits) == 1
    modules = _imported(journal_dir, "projector", "search", "needle")
    own = {name for name in modules if name.startswith(("journal", "projector"))}
    assert own - _SEARCH == set()
    assert (
        _others(modules) - _names("apsw encodings gc heapq importlib signal unicodedata") == set()
    )
