"""Runs imports: finds files, follows them, appends their events, and remembers how far."""
