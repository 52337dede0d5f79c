"""Tests of `projector.store`."""
