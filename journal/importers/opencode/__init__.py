"""Sessions of opencode: its database, and its exports."""
