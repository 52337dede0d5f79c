"""Backups: a copy of a journal in a folder, made while processes write, and restored from there.

`docs/format.md` specifies the folder. The manifest is the one file that makes it a backup: it is
replaced at the end, as a whole, and what it names is durable before.
"""
