"""Which messages of a list are which messages of a transcript: pure functions."""
