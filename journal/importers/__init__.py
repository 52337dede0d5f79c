"""Readers of other programs' transcripts."""
