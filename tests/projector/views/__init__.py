"""Tests of what readers get of sessions and messages."""
