"""What readers do not need: it can be forgotten, and they see no difference.

`find` finds it. `deleted` are messages and sessions that were deleted, `replaced` values that later
ones replaced. `since` says how long a message has been deleted, and `needed` which deleted messages
the order of the others needs.
"""
