"""Tests of what all parsers share."""
