"""Tests of the reading handle."""
