"""Sessions of Goose: its database, and the JSON lines of its first versions."""
