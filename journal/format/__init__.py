"""The format: events, records and their bounds. No I/O."""
