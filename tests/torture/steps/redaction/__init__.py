"""The steps of the ladder that concern redaction."""
