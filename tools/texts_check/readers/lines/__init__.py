"""Readers of lines of JSON."""

from tools.texts_check.readers.lines import (
    antigravity,
    claude_code,
    codex,
    copilot_cli,
    cursor,
    deepseek,
    factory,
    goose,
    grok,
    kimi,
    pi,
    qwen_code,
)

READERS = (
    qwen_code.READER,
    codex.READER,
    copilot_cli.READER,
    pi.READER,
    deepseek.READER,
    kimi.READER,
    antigravity.READER,
    goose.READER,
    grok.READER,
    cursor.READER,
    factory.READER,
    claude_code.READER,
)
