"""Importers: other programs' transcripts, turned into events.

A parser is pure: it is given the lines (or the pieces of one JSON document) of a source and gives
back what it found. Its ids come from the source's own ids, else from the place in the source,
and the content of an event is a function of its own line. So a source may be imported again,
in any pieces and in any order, and only what is new is added.

A database (`hermes`) is no text that only grows: rows change and go. What changed is told as events
of its own, and the ledger knows what was there before.
"""
