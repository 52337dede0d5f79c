"""Tests of what stands before the pages."""
