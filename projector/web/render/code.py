"""Code with classes for its words, which the style sheet colours."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from journal.cli.kit.clean import clean
from projector.web.render.kept import kept

if TYPE_CHECKING:
    from pygments.lexer import Lexer

PREFIX = "h-"
"""Beginning of the classes."""
LONGEST = 6_000
"""Characters of the longest text that is highlighted: it takes a millisecond for 300 or so."""
SHOWN = 12_000
"""Characters of a text that are shown; the rest is on a page of its own."""
_WIDEST = 1_000
"""Characters of the longest line that is highlighted: some lexers take quadratic time in it."""
_KEPT = 1_000_000
"""Characters of code, with its HTML, that are kept for a further request."""
_LANGUAGES = {
    "bash": "bash",
    "c": "c",
    "cpp": "cpp",
    "cs": "csharp",
    "css": "css",
    "diff": "diff",
    "dockerfile": "docker",
    "go": "go",
    "h": "c",
    "html": "html",
    "ini": "ini",
    "java": "java",
    "javascript": "javascript",
    "js": "javascript",
    "json": "json",
    "jsonl": "json",
    "jsx": "jsx",
    "kotlin": "kotlin",
    "lua": "lua",
    "makefile": "make",
    "patch": "diff",
    "php": "php",
    "py": "python",
    "python": "python",
    "rb": "ruby",
    "rs": "rust",
    "ruby": "ruby",
    "rust": "rust",
    "scss": "scss",
    "sh": "bash",
    "shell": "bash",
    "sql": "sql",
    "swift": "swift",
    "toml": "toml",
    "ts": "typescript",
    "tsx": "tsx",
    "typescript": "typescript",
    "xml": "xml",
    "yaml": "yaml",
    "yml": "yaml",
    "zsh": "bash",
}
"""Languages by what fences and file names end with. Lexers of others are not loaded."""


def code(text: str, language: str) -> Markup:
    """Return a text as safe HTML, highlighted if its language is known and it is not too long."""
    name = _LANGUAGES.get(language.lower())
    if name is None or len(text) > LONGEST or max(map(len, text.split("\n"))) > _WIDEST:
        return plain(text)
    return _highlighted(text, name)


def plain(text: str) -> Markup:
    """Return a text as safe HTML."""
    return escape(clean(text))


def language_of(path: str) -> str:
    """Return the language of a file by the end of its name; empty if it has none."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else name.lower()


@kept(_KEPT)
def _highlighted(text: str, name: str) -> Markup:
    lexer = _lexer(name)
    if lexer is None:
        return plain(text)
    return Markup(clean(highlight(text, lexer, _formatter())))  # noqa: S704 - Pygments escapes the text


@cache
def _lexer(name: str) -> Lexer | None:
    try:
        return get_lexer_by_name(name, stripnl=False, ensurenl=False)
    except ClassNotFound:  # of another version of Pygments
        return None


@cache
def _formatter() -> HtmlFormatter[str]:
    return HtmlFormatter(nowrap=True, classprefix=PREFIX)
