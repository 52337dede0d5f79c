"""Samples of the torture of journals past one database."""
