"""Markdown as HTML that can do nothing.

HTML in a text is shown as text. What is made of Markdown is cleaned once more: only the elements
and attributes below stay. Links lead to http, https and mailto; an image is shown if its data are
in the text, and is a link else.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import nh3
from linkify_it import LinkifyIt
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markupsafe import Markup

from journal.cli.kit.clean import clean
from projector.web.render.code import PREFIX, code, plain
from projector.web.render.kept import kept

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

LONGEST = 40_000
"""Characters of the longest text that is read as Markdown; a longer one is shown as it is."""
_STEPS = 1_000_000
"""Characters that are read at most where addresses are looked for: a million takes 40 ms."""
_KEPT = 2_000_000
"""Characters of texts, with their HTML, that are kept for a further request."""
_TAGS = {
    *("a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr"),
    *("img", "li", "ol", "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th"),
    *("thead", "tr", "ul"),
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt"},
    "span": {"class"},
    "ol": {"start"},
}
_SET = {"pre": {"tabindex": "0"}}
"""Code that is wider than the page is scrolled by keys, too."""
_SCHEMES = {"http", "https", "mailto", "data"}
_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")
_CLASS = re.compile(rf"{PREFIX}[a-z0-9]{{1,4}}")
_DIGITS = re.compile(r"[0-9]{1,9}")
REL = "noopener noreferrer"


def is_link(address: str) -> bool:
    """Return whether a page may link to an address."""
    return _LINK.match(address) is not None


def is_image(address: str) -> bool:
    """Return whether an address is a raster image that is in the address itself."""
    return _IMAGE.fullmatch(address) is not None


def markdown(text: str, *, breaks: bool = False) -> Markup:
    """Return what `as_html` does, and keep it for a further request."""
    return _kept(text, "breaks" if breaks else "")


@kept(_KEPT)
def _kept(text: str, breaks: str) -> Markup:
    return as_html(text, breaks=bool(breaks))


def as_html(text: str, *, breaks: bool = False) -> Markup:
    """Return Markdown as safe HTML.

    Args:
        text: what was said.
        breaks: whether each newline is one, as in what a person typed.
    """
    if len(text) > LONGEST:
        return Markup('<pre class="whole" tabindex="0">{}</pre>').format(plain(text))
    made = _parser(breaks).render(clean(text))
    safe = nh3.clean(
        made,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes=_SCHEMES,
        link_rel=REL,
        set_tag_attribute_values=_SET,
    )
    # a heading without a text is none for those who hear it
    safe = safe.replace("<th></th>", "<td></td>")
    # entities such as &#x202e; are characters by now
    return Markup(clean(safe))  # noqa: S704 - cleaned


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Return the value of an attribute; None removes it."""
    is_allowed = _CHECKS.get((tag, name))
    return value if is_allowed is None or is_allowed(value) else None


_CHECKS: dict[tuple[str, str], Callable[[str], bool]] = {
    ("a", "href"): is_link,
    ("img", "src"): is_image,
    ("span", "class"): lambda value: _CLASS.fullmatch(value) is not None,
    ("ol", "start"): lambda value: _DIGITS.fullmatch(value) is not None,
}
"""Which values of an attribute stay; those of others all do."""


@cache
def _parser(breaks: bool) -> MarkdownIt:  # noqa: FBT001 - a key of the cache
    options = {"html": False, "breaks": breaks, "linkify": True, "highlight": _highlight}
    found = _Parser("commonmark", options)
    found.enable(["table", "strikethrough"])
    # in complete texts alone: the rule of the same name within a line takes quadratic time
    found.core.ruler.enable("linkify")
    found.linkify = _Addresses()
    found.add_render_rule("image", _image)
    return found


class _Parser(MarkdownIt):
    """A parser that shows an address as it is written."""

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 - the name is markdown-it's
        """Return the text of a link: not decoded, as other letters would hide where it leads."""
        return link


class _Addresses(LinkifyIt):  # type: ignore[misc] # it has no stubs
    """Finds addresses in a text: those of http, https and mailto that begin so.

    Without a scheme, names of files would be taken for names of hosts: `setup.py`, `README.md`.
    """

    def __init__(self) -> None:
        super().__init__(options={"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
        for scheme in ("ftp:", "//"):
            self.add(scheme, None)

    def pretest(self, text: str) -> bool:
        """Return whether addresses are to be looked for in a text.

        At each scheme all up to the next space is read, so that the time is quadratic in a text
        without spaces; no link is made in one that would take long.
        """
        steps = sum(len(run) * run.count(":") for run in text.split() if ":" in run)
        return 0 < steps < _STEPS


def _highlight(text: str, language: str, _: str) -> str:
    return str(code(text, language))


def _image(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    """Return an image, or a link to it."""
    token = tokens[at]
    address = str(token.attrGet("src") or "")
    alt = escapeHtml(self.renderInlineAsText(token.children or [], options, env))
    if is_image(address):
        return f'<img src="{address}" alt="{alt}">'
    text = f"[image: {alt}]" if alt else "[image]"
    return f'<a href="{escapeHtml(address)}">{text}</a>' if is_link(address) else text


def first_line(text: str, most: int) -> str:
    """Return the first line of a text that is not blank, cut to so many characters."""
    line = next((line.strip() for line in text[:10_000].split("\n") if line.strip()), "")
    return line if len(line) <= most else f"{line[: most - 1]}…"
