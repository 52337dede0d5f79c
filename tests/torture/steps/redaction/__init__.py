"""The steps of the ladder for redaction."""
