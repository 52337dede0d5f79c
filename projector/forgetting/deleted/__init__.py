"""What was deleted before, and can be forgotten so that readers see no difference.

`find` finds it, `since` says how long it has been deleted, and `needed` which deleted messages the
order of the others needs.
"""
