"""`projector sink`: the messages of a journal in another engine."""
