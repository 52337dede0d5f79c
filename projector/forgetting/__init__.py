"""Forgetting: what a user selects is hidden for ever, and its bytes are removed.

`selection` says what can be selected, `matching` finds the sessions and messages that it names,
`plan` adds what goes with them, `forget` appends the requests, and `finish` carries them out.
`files.check` looks for what is left. `journal.erasure` has what needs no projection.
`docs/format.md` specifies requests and receipts.
"""
