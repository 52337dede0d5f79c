"""Imports of other programs' databases."""
