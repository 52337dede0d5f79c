"""Tests of `projector.search.engine`."""
