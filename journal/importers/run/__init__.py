"""Runs imports: finds files, follows them, appends their events, and writes the ledger."""
