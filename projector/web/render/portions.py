"""Where messages can be parted: a call and its result are to be shown as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.cli.kit.clean import json_line
from projector.web.render.entries import answered_in, calls_in, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

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


def whole_end(messages: Sequence[MessageView]) -> int:
    """Return how many messages to show first, so that no call is parted from its result.

    It is all of them if there is no such place in their second half.
    """
    least = len(messages) // 2
    places = _whole(messages, calls_in, answered_in)
    return max((place for place in places if place >= least), default=len(messages))


def whole_start(messages: Sequence[MessageView], most: int) -> int:
    """Return how many messages to leave out at the beginning, so that no result lacks its call.

    Args:
        messages: in order.
        most: how many may be left out; it is 0 if these do not suffice.
    """
    places = _whole(messages[::-1], answered_in, calls_in)
    return min(
        (left for place in places if (left := len(messages) - place) <= most),
        default=0,
    )


def _whole(
    messages: Sequence[MessageView],
    begins: Callable[[MessageView], set[str]],
    ends: Callable[[MessageView], set[str]],
) -> Iterator[int]:
    """Yield the numbers of messages after which nothing that began has to end.

    A person's message ends all: a call before it may have been broken off.
    """
    open_: set[str] = set()
    for number, message in enumerate(messages, 1):
        open_ = set() if kind_of(message) == "prompt" else (open_ | begins(message)) - ends(message)
        if not open_:
            yield number
