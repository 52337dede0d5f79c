"""Hermes's methods for its gateway."""
