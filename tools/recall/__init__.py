"""Measures how well searches find the session that a question is about: `make recall`."""
