"""Tests of what an open page shows of what happens meanwhile."""
