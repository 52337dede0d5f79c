"""Tests of parts and sums for viewers."""
