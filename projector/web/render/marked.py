"""Snippets with their matches marked."""

from __future__ import annotations

from markupsafe import Markup

from projector.web.render.code import plain

OPEN, CLOSE = "\ue000", "\ue001"
"""Marks of a match. A text that has them itself is only marked where nothing was found."""


def marked(snippet: str) -> Markup:
    """Return a snippet as safe HTML with the element `mark` around each match."""
    pieces = snippet.replace(CLOSE, OPEN).split(OPEN)
    return Markup("").join(
        Markup("<mark>{}</mark>").format(plain(piece)) if number % 2 else plain(piece)
        for number, piece in enumerate(pieces)
    )
