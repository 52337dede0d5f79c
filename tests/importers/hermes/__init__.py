"""Tests of imports from Hermes databases."""
