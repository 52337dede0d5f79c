"""Forgetting: which events a journal must not show, and how their bytes are removed."""
