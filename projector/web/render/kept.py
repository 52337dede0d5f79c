"""HTML that is kept for a further request: so many characters together, whatever is shown."""

from __future__ import annotations

from collections import OrderedDict
from functools import wraps
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from markupsafe import Markup


def kept(characters: int) -> Callable[[Callable[[str, str], Markup]], Callable[[str, str], Markup]]:
    """Let a function keep its last answers.

    `functools.lru_cache` bounds their number: 500 long texts are a hundred megabytes.

    Args:
        characters: of texts and answers together. What is longer than that alone is not kept.
    """

    def decorate(make: Callable[[str, str], Markup]) -> Callable[[str, str], Markup]:
        answers: OrderedDict[tuple[str, str], Markup] = OrderedDict()
        lock = Lock()
        held = 0

        def keep(key: tuple[str, str], made: Markup) -> None:
            nonlocal held
            size = len(key[0]) + len(made)
            if key not in answers and size <= characters:
                answers[key] = made
                held += size
            while held > characters:
                (old, _), gone = answers.popitem(last=False)
                held -= len(old) + len(gone)

        @wraps(make)
        def found(text: str, kind: str) -> Markup:
            key = text, kind
            with lock:
                if key in answers:
                    answers.move_to_end(key)
                    return answers[key]
            made = make(text, kind)
            with lock:
                keep(key, made)  # a function of its own: an exception in its loop leaves the lock
            return made

        return found

    return decorate
