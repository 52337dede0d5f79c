"""Tests of the class that replaces Hermes's store."""
