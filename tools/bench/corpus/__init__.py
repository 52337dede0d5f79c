"""The texts, queries and journals that are measured: the same on every machine."""
