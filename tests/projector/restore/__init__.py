"""Tests of sessions that are written back as files of their programs."""
