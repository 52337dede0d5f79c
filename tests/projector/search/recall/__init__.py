"""Tests of `projector.search.recall`."""
