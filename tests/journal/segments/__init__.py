"""Tests of the lists of segments, and of mirrors."""
