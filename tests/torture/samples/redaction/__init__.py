"""Samples of the steps that concern redaction."""
