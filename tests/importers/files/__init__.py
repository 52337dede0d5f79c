"""Tests of how files and folders are read."""
