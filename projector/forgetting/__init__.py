"""Forgetting: what a user selects is hidden for ever, and its bytes are removed.

`selection` says what can be selected, `plan` finds what goes with it, `forget` appends the requests
and carries them out. `docs/format.md` specifies requests and receipts.
"""
