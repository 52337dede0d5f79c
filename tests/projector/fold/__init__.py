"""Tests of `projector.fold.sessions`."""
