"""Tests of the stores of frameworks."""
