"""Conversations in the formats of other programs: `projector export`, and the same in Python.

`reading` reads sessions in pages, without secrets; `detail` leaves out what is not asked for. A
format (`formats`) turns a stream of `Conversation` into pieces of text. Nothing here holds more of
a session than a page.

To add a format:

1. Make a module, such as `acme.py`, or a folder if it takes several. It has one value, a
   `conversation.Format`. The docstring of `conversation.Writer` has the rules for its function: it
   yields while it reads, since a session may be larger than memory. `parts` sorts a message into
   texts, calls and results. `markdown` is the shortest example.
2. Name it in `pyproject.toml`, under `[project.entry-points."projector.formats"]`, and in the
   contract of this package's layers; install the package again (`make .venv/dev.stamp`).
3. Name it in `FORMATS` of `tests/projector/export/test_export.py`: the tests of all formats run on
   it. Beside it, test what is special to it, by a reader of another author if there is one.
4. Describe it in `docs/export.md`, and in the help of `command`.

Another package does the same, with its own entry point: HTML is in `projector.web.export`,
beside the templates.
"""
