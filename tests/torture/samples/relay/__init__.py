"""Samples of the steps about journals on many machines."""
