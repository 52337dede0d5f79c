"""The chat histories of Aider."""
