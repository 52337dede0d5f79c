"""Samples of the steps for backups."""
