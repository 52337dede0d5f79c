"""Conversations of Cursor: its database, and the transcripts of its agents."""
