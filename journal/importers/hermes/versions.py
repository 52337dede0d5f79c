"""The versions of Hermes's database that can be read."""

from __future__ import annotations

OLDEST, NEWEST = 11, 22
"""Schema versions that this program knows: those of hermes-agent 0.13.0 to 0.19.0."""
