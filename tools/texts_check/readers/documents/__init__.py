"""Readers of documents: one JSON value, or a text, is a session or several."""

from tools.texts_check.readers.documents import (
    aider,
    cline,
    gemini_cli,
    hermes,
    openai,
    opencode,
    openhands,
    swe_agent,
)

READERS = (
    aider.READER,
    cline.READER,
    hermes.READER,
    opencode.READER,
    gemini_cli.READER,
    swe_agent.READER,
    openhands.READER,
    openai.READER,
)
