"""Forgetting: which events a journal must not show, and how their bytes are removed.

In the order in which a request takes effect:

1. A request names events and texts. `request` has its data, `hashes` the keyed hashes that name
   events, `marked` where marks go in a text. `naming` finds the requests that name an event, and
   `texts` writes the marks. All of it is pure.
2. `requests` reads the requests of a journal. Its `Forgotten` decides what is left of an event, for
   readers, importers and erasure alike. `follow` reads a growing journal without the rest.
3. `pending` finds the segments that still have forgotten events.
4. `eraser` replaces these, as the one process that has `lock`: `segment` reads one, and `rewrite`
   computes its new content. `files` replaces and joins the files. `compact` joins small segments
   alone, and drops nothing.
5. `receipts` says what is left of requests, and what was erased for them.

The rest needs a projection, and is in `projector.forgetting`: what a user selects and the plan of
it, the requests that are appended, and the check that nothing of it is left. The commands are in
`projector.cli.erasure`.
"""
