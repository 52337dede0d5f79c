"""Tests of sessions as files to keep."""
