"""Replacements for the stores of other programs."""
