"""Tests of `projector.text.normalize`."""
