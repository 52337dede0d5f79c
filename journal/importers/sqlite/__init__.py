"""Reads other programs' SQLite databases while these programs write to them."""
