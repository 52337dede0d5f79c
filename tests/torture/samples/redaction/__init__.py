"""Samples of the steps for redaction."""
