"""JSON: one document with all sessions, or one message a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.cli.kit.clean import json_line
from projector.cli.kit.render import message_json, session_json
from projector.export.conversation import Format

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from projector.export.conversation import Conversation, Settings


def _document(conversations: Iterable[Conversation], settings: Settings) -> Iterator[str]:
    """Yield a document with a line for each message."""
    yield f'{{"detail":{json_line(settings.detail)},"redacted":{json_line(settings.redacted)}'
    yield ',"sessions":['
    for number, conversation in enumerate(conversations):
        yield "\n" if number == 0 else ",\n"
        yield f'{{"session":{json_line(session_json(conversation.session))},"messages":['
        for at, message in enumerate(conversation.messages()):
            yield "\n" if at == 0 else ",\n"
            yield json_line(message_json(message))
        yield "\n]}"
    yield "\n]}\n"


def _lines(conversations: Iterable[Conversation], _settings: Settings) -> Iterator[str]:
    for conversation in conversations:
        named = {"session": conversation.session.session}
        for message in conversation.messages():
            yield f"{json_line(named | message_json(message))}\n"


JSON = Format("json", "one JSON document with all sessions", _document)
JSONL = Format("jsonl", "a line of JSON for each message", _lines)
