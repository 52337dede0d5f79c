"""Tests of `projector.search`."""
