"""Hermes's methods on messages."""
