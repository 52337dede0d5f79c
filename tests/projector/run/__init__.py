"""Tests of `projector.run`."""
