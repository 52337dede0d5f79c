"""Tests of `projector.forgetting`."""
