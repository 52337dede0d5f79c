"""Tests of both command lines."""
