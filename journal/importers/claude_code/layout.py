"""The folders in which Claude Code stores its files."""

from __future__ import annotations

SIDE_FOLDER = "tool-results"
"""The folder of the outputs that are too large for a line."""
