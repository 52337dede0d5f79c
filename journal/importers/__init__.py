"""Importers: other programs' transcripts, turned into events.

A source is one folder here and one entry point. To add one:

1. Make a folder, such as `acme/`, with a `format.py` that holds one value, `FORMAT`, a
   `SourceFormat`. It has the functions that recognize the source's files and that make their
   parser. Every import loads this module, so it imports its parser only within that function.
2. Write the parser beside it (`parser.py`, with the classes of `journal.importers.parsing.parser`).
   It is pure: it gets the values of the lines of one file in order, and yields items.
   `parsing.events` builds the events, `parsing.values` and `parsing.source_time` read single
   values of any kind. The rules: an id comes from the source's own id, else from the place in the
   source; an event is a function of its own line, so that a file may be imported again, in any
   pieces and in any order, and only what is new is added; what is not imported is yielded as
   `Skipped` with a reason, never dropped. A parser of lines may run in another process than the
   import (`run.ahead`): what it knows, it knows from its file.
3. Name it in `pyproject.toml`, under `[project.entry-points."journal.importers"]`, and in the
   contract of this package's layers; install the package again (`make .venv/dev.stamp`).
4. Put made-up transcripts of each shape into `tests/importers/transcripts/acme/`: the tests of
   `tests/importers/test_transcripts.py` run on whatever is there.

Another package does the same, with its own entry point. A source that is one JSON document gives
`SourceFormat.documents`, one that is a database `SourceFormat.database`, and one whose lines are no
JSON `LineFormat.text`. `parsing.parts` and `parsing.conversation` make the messages of most
sources; `parsing.branches` and `parsing.message_tree` read those that are trees;
`sqlite.conversations` says what a database needs to say of itself, and `sqlite.reader` reads it.

The packages, each importing only those below it: `run` (finds files, follows them, appends events,
writes the ledger), `registry`, the sources (none of which knows another), `sqlite` (databases
of other programs), `formats`, `files` (lines, documents, compression, side files), `parsing`
(what all parsers share).
"""
