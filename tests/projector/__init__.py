"""Tests of `projector`."""
