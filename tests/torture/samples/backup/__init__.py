"""Samples of the steps that concern backups."""
