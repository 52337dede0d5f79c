"""Threads of the agent in Zed."""
