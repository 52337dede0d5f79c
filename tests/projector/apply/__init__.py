"""Tests of `projector.apply.applier`."""
