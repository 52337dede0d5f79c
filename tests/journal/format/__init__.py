"""Tests of `journal.format`."""
