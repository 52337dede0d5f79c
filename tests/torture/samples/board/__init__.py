"""Samples of the steps about boards."""
