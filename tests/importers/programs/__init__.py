"""Importers of the programs whose transcripts are JSON or text."""
