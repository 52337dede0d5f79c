"""Importers: other programs' transcripts, turned into events.

A source is one folder here and one entry point. To add one:

1. Make a folder, such as `acme/`, with a `format.py` that holds one value, `FORMAT`, a
   `SourceFormat`. It says how the source's files are recognized and which function makes what
   reads them. This module is loaded whenever anything is imported, so it imports its parser
   only within that function.
2. Write the parser beside it (`parser.py`, class by class as `journal.importers.parsing.parser`
   says). It is pure: it is given the values of the lines of one file in order, and yields items.
   `parsing.events` builds the events, `parsing.values` and `parsing.source_time` read single
   values of any kind. The rules: an id comes from the source's own id, else from the place in the
   source; an event is a function of its own line, so that a file may be imported again, in any
   pieces and in any order, and only what is new is added; what is not imported is yielded as
   `Skipped` with a reason, never dropped.
3. Name it in `pyproject.toml`, under `[project.entry-points."journal.importers"]`, and in the
   contract of this package's layers; install the package again (`make .venv/dev.stamp`).
4. Put made-up transcripts of each shape into `tests/importers/transcripts/acme/`: the tests of
   `tests/importers/test_transcripts.py` run on whatever is there.

A package of somebody else does the same, with an entry point of its own. A source that is one
JSON document gives `SourceFormat.documents`, one that is a database `SourceFormat.database`.

The rooms, each importing only those below it: `run` (walks, follows, appends, remembers how far),
`registry`, the sources (none of which knows another), `formats`, `files` (lines, documents,
compression, side files), `parsing` (what all parsers share).
"""
