"""Tests of the importers, and what they share."""
