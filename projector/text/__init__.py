"""Texts and queries: normalized, cut, matched and shown. Pure functions."""
