"""Segments: their files, and how they are read."""
