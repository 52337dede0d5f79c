"""Tests of `projector.upkeep`."""
