"""Disks that fail, and folders that are on none."""
