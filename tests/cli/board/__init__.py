"""Tests of `projector board`."""
