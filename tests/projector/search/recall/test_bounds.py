"""What a search does for a question of long words, or of many, is bounded."""

from __future__ import annotations

import random
import string
from typing import TYPE_CHECKING

import apsw
import pytest

from journal import Journal
from projector import Projection, QueryError
from projector.search.find import SearchRequest
from projector.search.recall import wanted
from projector.search.recall.forms import forms
from projector.search.recall.spelling import corrections
from projector.search.recall.wanted import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

TRIED = 250_000
"""Most words that a question may try: the limit, and what the last word adds."""


@pytest.fixture
def projection(journal_dir: Path) -> Iterator[Projection]:
    """The projection of one message."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "the deployment went to staging 部署", id="m")
    with Projection.open(journal_dir) as projection:
        yield projection


def letters(length: int, seed: int = 0) -> str:
    """Return a word of random letters."""
    chosen = random.Random(seed).choices(string.ascii_lowercase, k=length)  # noqa: S311 - no secret
    return "".join(chosen)


@pytest.mark.parametrize("length", [7, 20, 21, 40, 41, 300, 1_600, 100_000])
def test_a_long_word_is_not_corrected_by_trying_all_its_neighbours(length: int) -> None:
    """However long a word is, so many words are tried at most, each as long as it at most."""
    tried = 0

    def known(words: Iterable[str]) -> set[str]:
        nonlocal tried
        tried += sum(1 for _ in words)
        return set()

    assert corrections(letters(length), known) == ()
    assert tried <= (0 if length > 40 else 30_000)
    assert len(forms(letters(length), "english")) < 200


@pytest.mark.parametrize(
    "question",
    [
        letters(300),
        "q" * 1_600,
        " ".join(letters(20, seed) for seed in range(1_000)),
        "中文字符串" * 300,
        ".".join(letters(8, seed) for seed in range(1_000)),
        "a" + "(" * 20_000,
    ],
    ids=lambda text: text[:10],
)
def test_a_long_question_tries_few_words(
    projection: Projection, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    """Long words, many words, a long run of Chinese, a long identifier."""
    made: list[Vocabulary] = []

    class Recorded(Vocabulary):
        def known(self, words: Iterable[str]) -> set[str]:
            made.append(self)
            return super().known(words)

    monkeypatch.setattr(wanted, "Vocabulary", Recorded)
    results = projection.search(question)
    assert (results.total, results.near) == (0, ())
    assert all(each.tried <= TRIED for each in made)


def test_more_words_than_a_query_may_have_are_refused(projection: Projection) -> None:
    """The error is that of a query."""
    with pytest.raises(QueryError, match="10,000 words"):
        projection.search(" ".join(letters(9, seed) for seed in range(10_000)))


def test_a_misspelt_word_among_few_is_still_corrected(projection: Projection) -> None:
    """The bounds leave usual questions as they are."""
    assert dict(projection.search("deploymnet to stagign").meant)["stagign"] == ("staging",)


def test_what_is_too_big_for_sqlite_is_an_error_of_the_query(
    projection: Projection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No error of the database's driver leaves a search."""

    def too_big(*_: object) -> None:
        raise apsw.TooBigError("string or blob too big")

    monkeypatch.setattr(SearchRequest, "_matches", too_big)
    with pytest.raises(QueryError, match="too long"):
        projection.search("deployment")
