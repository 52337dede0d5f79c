"""Exports of sessions: as values, and as a database that Hermes opens."""
