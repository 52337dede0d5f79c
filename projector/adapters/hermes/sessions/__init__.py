"""Hermes's methods on sessions."""
