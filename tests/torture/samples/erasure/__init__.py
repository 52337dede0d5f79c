"""Samples of the steps about erasure."""
