"""A stream of messages in portions that can be shown one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.cli.kit.clean import json_line
from projector.web.render.entries import answered_in, calls_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from projector.views.messages import MessageView

_LEAST, _MOST = 20, 400
"""Messages of a portion."""
_SIZE = 512 * 1024
"""Characters of a portion, after which it ends in any case."""


def portions(messages: Iterable[MessageView]) -> Iterator[list[MessageView]]:
    """Yield messages in portions.

    A portion ends where no call waits for its result, so that both are in one portion. It ends
    earlier if it becomes too long.
    """
    found: list[MessageView] = []
    size = 0
    waiting: set[str] = set()
    for message in messages:
        found.append(message)
        size += len(json_line([message.content, message.fields]))
        waiting = (waiting | calls_in(message)) - answered_in(message)
        is_whole = len(found) >= _LEAST and not waiting
        if is_whole or len(found) >= _MOST or size >= _SIZE:
            yield found
            found, size, waiting = [], 0, set()
    if found:
        yield found
