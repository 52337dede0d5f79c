"""Tests of what commands show on a terminal."""
