"""What a format gets: one session at a time, whose messages come as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from projector.export.calls import KeptCalls
    from projector.views.messages import MessageView
    from projector.views.sessions import SessionView

Detail = Literal["full", "normal", "prompts"]
"""How much of a session is exported; `projector.export.detail` says what each leaves out."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A session on its way out.

    Attributes:
        session: what is known of it.
        messages: begins to read its messages, in order; each call begins at the first one.
        calls: reads the calls of the API that it used into a temporary file; to be closed.
    """

    session: SessionView
    messages: Callable[[], Iterator[MessageView]]
    calls: Callable[[], KeptCalls]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a format may depend on.

    Attributes:
        detail: how much of each session is exported.
        redacted: whether secrets are replaced by marks.
        otlp_version: the version of the GenAI conventions that spans follow.
    """

    detail: Detail
    redacted: bool
    otlp_version: str


Writer = Callable[[Iterable[Conversation], Settings], Iterator[str]]
"""Turns conversations into text, piece by piece.

It reads each conversation before it takes the next one. The pieces are one text, which ends with a
newline; each piece should be that of a message, or of a few. Control characters are escaped in them
(`journal.cli.kit.clean`).
"""


@dataclass(frozen=True, slots=True)
class Format:
    """A format, as an entry point of the group `projector.formats` names it.

    Attributes:
        name: its name for `--format`.
        about: what it is, in a few words.
        write: turns conversations into text.
    """

    name: str
    about: str
    write: Writer
