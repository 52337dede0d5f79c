"""Tests of hooks in the settings of agents."""
