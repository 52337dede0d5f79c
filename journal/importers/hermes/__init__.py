"""Databases of hermes-agent."""
