"""Tests beside the real hermes-agent."""
