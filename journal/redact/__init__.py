"""Redaction: secrets are found by rules and replaced by marks before an event is written."""
