"""Chats of VS Code: snapshots, and logs of operations on them."""
