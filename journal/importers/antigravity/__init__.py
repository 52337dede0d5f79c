"""The transcripts of Antigravity."""
