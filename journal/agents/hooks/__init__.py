"""Hooks in the configuration of agents: a session is imported when its agent says that it ended."""
