"""Readers of SQLite databases."""

from tools.texts_check.readers.databases import goose, hermes, opencode, zed

READERS = (goose.READER, hermes.READER, opencode.READER, zed.READER)
