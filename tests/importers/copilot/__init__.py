"""Imports of GitHub Copilot: its command line, and chats of VS Code."""
