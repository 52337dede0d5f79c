"""Tests of the rendering of messages."""
