"""Tests of `projector.db`."""
