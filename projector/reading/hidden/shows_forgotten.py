"""What is raised where a snapshot shows what is to be forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from journal.erasure.request import Request


class ShowsForgotten(Exception):  # noqa: N818 - carries requests, and is no failure
    """A snapshot shows what requests ask to forget, and no process replaces it.

    Attributes:
        requests: these.
        why: why it is not replaced.
    """

    def __init__(self, requests: tuple[Request, ...], why: object) -> None:
        self.requests = requests
        self.why = why
        super().__init__(
            f"the projection shows what {_subject(requests)} to forget, and cannot be replaced:"
            f" {why}"
        )


def _subject(requests: Iterable[Request]) -> str:
    """Return requests as the subject of a sentence with the verb, the first few by their ids."""
    ids = sorted({request.id for request in requests})
    more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""  # noqa: PLR2004 - a line holds three
    noun, verb = ("request", "asks") if len(ids) == 1 else ("requests", "ask")
    return f"{noun} {', '.join(ids[:3])}{more} {verb}"
