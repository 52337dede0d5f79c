"""Torture of journals past one database: their parts, and their sink."""
