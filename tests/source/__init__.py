"""Tests of the source itself: its size, its imports, its regular expressions."""
