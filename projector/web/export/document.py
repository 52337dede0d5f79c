"""Sessions as one HTML file, by the templates of the viewer.

It has no script, and names nothing that a browser would load: styles are in the file, and a policy
in its head allows them and images in the file alone. Messages come as a stream: no more of a
session is held than a portion of it, and its prompts up to a number.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import chain
from typing import TYPE_CHECKING

from markupsafe import Markup

from projector.export.blocks import blocks
from projector.views.usage import used_by_all
from projector.web import urls
from projector.web.render.entries import EntryMaker, beginning, kind_of
from projector.web.render.portions import portions
from projector.web.templating import templates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jinja2 import Environment

    from projector.export.conversation import Conversation, Settings
    from projector.views.sessions import SessionView
    from projector.views.usage import UsageRow
    from projector.web.render.entries import Entry

_STYLES = ("base.css", "content.css", "document.css")
_PROMPTS = 1_000
"""Prompts that are listed beside a session."""
_PIECE = 16 * 1024
"""Characters of a piece of the text, at least."""


@dataclass(frozen=True, slots=True)
class Part:
    """Messages of a session, as the template `entries.html` shows them.

    Attributes:
        entries: the messages.
        target: None, as no address leads to one of them.
    """

    entries: tuple[Entry, ...]
    target: None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A prompt in the list beside a session.

    Attributes:
        href: leads to its message in the file.
        text: its first line.
        time: microseconds since 1970.
    """

    href: str
    text: str
    time: int


class Session:
    """A session in a document. Its messages are read once.

    Attributes:
        view: what is known of it.
        used: what its calls used and cost; None if they used nothing.
        prompts: those that were read so far, some of them.
    """

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self.view: SessionView = conversation.session
        self._calls = conversation.calls()
        self.used: UsageRow | None = used_by_all(self.view.session, self._calls)
        self.prompts: list[Listed] = []

    def parts(self) -> Iterator[Part]:
        """Yield the messages in portions."""
        with self._calls:
            maker = EntryMaker(cwd=self.view.cwd, used=self._calls, whole=True)
            for views in portions(self._conversation.messages()):
                for view in views:
                    if kind_of(view) == "prompt" and len(self.prompts) < _PROMPTS:
                        there = _session_url(self.view.session, at=view.id)
                        self.prompts.append(Listed(there, beginning(view), view.time))
                yield Part(maker.make(views))


@dataclass(frozen=True, slots=True)
class _Head:
    """What a document has before its sessions.

    Attributes:
        title: of the window.
        policy: what the document may load.
        style: the style sheets.
        zone: of its times.
    """

    title: str
    policy: str
    style: Markup
    zone: str


def document(conversations: Iterable[Conversation], settings: Settings) -> Iterator[str]:
    """Yield a document with sessions, piece by piece."""
    stream = iter(conversations)
    first = next(stream, None)
    sessions = map(Session, chain([] if first is None else [first], stream))
    named = None if first is None else first.session
    title = "no session" if named is None else named.title or named.preview or named.session
    zone = datetime.now(UTC).astimezone().tzname() or ""
    head = _Head(title, _policy(), Markup(_style()), zone)  # noqa: S704 - our own files
    found = _templates().get_template("document.html")
    texts = found.generate(head=head, sessions=sessions, settings=settings)
    yield from blocks(chain(texts, ["\n"]), _PIECE)


@cache
def _style() -> str:
    """Return the style sheets as one text."""
    folder = files("projector.web").joinpath("assets")
    return "".join(folder.joinpath(name).read_text("utf-8") for name in _STYLES)


def _policy() -> str:
    """Return what the document may load: its own style, and images that are in it."""
    digest = b64encode(sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )


@cache
def _templates() -> Environment:
    return templates({"url": _no_page, "session_url": _session_url, "anchor": urls.anchor})


def _no_page(_path: str, **_state: object) -> str:
    """Return no address: the pages of the viewer are not in the file."""
    return ""


def _session_url(id: str, *, at: str) -> str:
    """Return the address of a message in the file."""
    return f"#{urls.anchor(id, at)}"
