"""Tests of the stand-in for Hermes's store."""
