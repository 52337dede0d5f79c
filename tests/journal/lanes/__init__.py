"""Tests of `journal.lanes`."""
