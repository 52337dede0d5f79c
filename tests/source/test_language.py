"""Documents, docstrings and comments have no words of a private dialect."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PACKAGES = ("journal", "projector", "tests", "tools")
PLAIN = {
    r"anew": "again, or a verb such as rebuild",
    r"whoever": "the reader, process or user that is meant",
    r"nobody|somebody": "no process, another user",
    r"told|tells": "gets an error, reports",
    r"seldom": "rarely",
    r"in the midst of": "during",
    r"becomes? of|became of": "happens to, or the result",
    r"(?:is|was|are|were) to be had": "is available",
    r"(?:take|takes|took|taken) back": "retract, revert, remove",
    r"wrong way round": "in reverse order",
}
"""Words that readers of another first language have to guess, and the plain ones."""
_WORDS = re.compile(rf"\b(?:{'|'.join(PLAIN)})\b", re.IGNORECASE)


def found(text: str) -> list[str]:
    """Return the words of the dialect in a text."""
    return _WORDS.findall(" ".join(text.split()))


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield line number and text of the docstrings and comments of a module."""
    if not found(source):  # most modules: parsing all of them would take seconds
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.lineno, str(node.value.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def modules(package: str) -> list[Path]:
    """Return the modules of a package, except this one."""
    paths = sorted((ROOT / package).rglob("*.py"))
    return [path for path in paths if path != Path(__file__)]


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.slow
def test_docstrings_and_comments_have_plain_words(package: str) -> None:
    """The words above are in no docstring and in no comment."""
    paths = modules(package)
    assert len(paths) > 50
    dialect = [
        f"{path.relative_to(ROOT)}:{line}: {word}"
        for path in paths
        for line, text in texts(path.read_text("utf-8"))
        for word in found(text)
    ]
    assert dialect == []


def test_documents_have_plain_words() -> None:
    """The words above are in no document, except within code."""
    documents = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
    assert len(documents) > 20
    dialect = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in documents
        for word in found(re.sub(r"`[^`\n]*`", "", path.read_text("utf-8")))
    ]
    assert dialect == []


def test_a_word_of_the_dialect_is_found() -> None:
    """The check can fail: it finds words in docstrings and comments, and not in other strings."""
    source = '"""Build it anew."""\nx = "whoever"  # nobody\n'
    assert [word for _, text in texts(source) for word in found(text)] == ["anew", "nobody"]
    assert found("what is taken\nback") == ["taken back"]
    assert found("a newer one, retold") == []
