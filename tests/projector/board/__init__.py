"""Tests of the board for workers."""
