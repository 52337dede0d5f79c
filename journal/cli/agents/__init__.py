"""The commands about the agents of this machine."""
