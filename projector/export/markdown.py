"""Markdown, as `projector show --markdown` prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.cli.show.markdown import markdown
from projector.export.conversation import Format

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from projector.export.conversation import Conversation, Settings


def _write(conversations: Iterable[Conversation], _settings: Settings) -> Iterator[str]:
    for number, conversation in enumerate(conversations):
        if number:
            yield "\n"
        yield from markdown(conversation.session, conversation.messages())


MARKDOWN = Format("md", "Markdown, to read and to share", _write)
