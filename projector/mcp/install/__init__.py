"""Adds the server to the configuration of an agent, and takes it away again."""
