"""Checks: whether a pattern is searched in linear time, and whether a match is likely a secret."""
