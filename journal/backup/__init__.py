"""Backups: a copy of a journal in a folder, made while processes write; and the restore from it.

`docs/format.md` specifies the folder. A folder is a backup if it has a manifest. The manifest is
replaced at the end, in one step; all files that it names are durable before.
"""
