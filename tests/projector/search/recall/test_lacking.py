"""What is named as missing, and what counts as there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from journal import Journal
from projector import Projection
from projector.search.recall import held

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from projector import Results

TEXTS = {
    "numbers": ("numbers 0 1 127 and 6379", "a, b, 中文; the content is x, see col and val"),
    "address": ("ECONNREFUSED 127.0.0.1:6380", "set col:val, please"),
    "chinese": ("重试预算的上限是三次 部署到数据库",),
    "titled": ("it is broken again",),
}


@pytest.fixture
def projection(journal_dir: Path) -> Iterator[Projection]:
    """The projection of sessions, one of which says in its title alone what it is about."""
    with Journal.open(journal_dir) as journal:
        title = {"title": "Fix C++ build in run-all.sh"}
        journal.append(session="titled", type="session.created", data=title)
        for session, texts in TEXTS.items():
            for text in texts:
                journal.append_message(session, "user", text)
    with Projection.open(journal_dir) as projection:
        yield projection


def lacks(results: Results) -> dict[str, tuple[str, ...]]:
    """Return what each session that is near lacks; no message matches."""
    assert not results.hits
    return {hit.session: hit.missing for hit in results.near}


@pytest.mark.parametrize("identifier", ["127.0.0.1:6379", "a%b中文", "content:x"])
def test_an_identifier_that_no_text_has_is_missing(projection: Projection, identifier: str) -> None:
    """A session that has its parts does not have it."""
    found = projection.search(identifier)
    assert lacks(found)["numbers"] == found.missing == (identifier,)


def test_a_session_that_has_an_identifier_as_it_was_typed_does_not_lack_it(
    projection: Projection,
) -> None:
    """In any of its messages, or its title; the session with its parts does."""
    found = projection.search("col:val numbers ECONNREFUSED")
    assert found.missing == ()
    assert lacks(found) == {
        "address": ("numbers",),
        "numbers": ("col:val", "ECONNREFUSED"),
    }
    assert lacks(projection.search("run-all.sh broken zebra"))["titled"] == ("zebra",)


def test_what_is_not_read_is_not_said_to_be_missing_everywhere(
    projection: Projection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few texts are read: a session whose texts were not lacks it, and nothing is said of all."""
    monkeypatch.setattr(held, "_READ", 1)
    assert projection.search("0:1").missing == ()
    monkeypatch.setattr(held, "_READ", 3)
    with monkeypatch.context() as patch:
        patch.setattr(held, "_CHARACTERS", 1)
        assert projection.search("0:1").missing == ()
    found = projection.search("0:1")
    assert lacks(found)["numbers"] == found.missing == ("0:1",)


def test_an_apostrophe_makes_no_identifier(projection: Projection) -> None:
    """Words of a sentence have it."""
    found = projection.search("why isn't the numbers' content zebra")
    assert lacks(found)["numbers"] == found.missing == ("zebra",)


@pytest.mark.parametrize("question", ["don't", "May", "whatever"])
def test_a_question_of_grammar_words_names_what_is_missing(
    projection: Projection, question: str
) -> None:
    """If there is nothing else, grammar words are what it is about."""
    found = projection.search(question)
    assert (found.hits, found.near) == ((), ())
    assert found.missing != ()


def test_an_abbreviation_is_no_identifier(projection: Projection) -> None:
    """It says nothing about the subject."""
    assert projection.search("e.g. the numbers, and/or zebra").missing == ("zebra",)


def test_the_title_counts_for_its_session(projection: Projection) -> None:
    """It brings the session among what is nearest, and what it has is not missing."""
    found = projection.search("how did we fix the C++ build?")
    assert (lacks(found)["titled"], found.missing) == ((), ())
    assert lacks(projection.search("build broken zebra"))["titled"] == ("zebra",)
    assert projection.search("how did we fix the build?", session="address").near == ()


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("重试预算最后算是多少", "最后算是多少"),
        ("数据库锁", "锁"),
        ("我们的数据库为什么死锁", "死锁"),
    ],
)
def test_the_rest_of_a_run_is_missing(projection: Projection, question: str, missing: str) -> None:
    """What is there is taken out of it; pairs across words are not named."""
    found = projection.search(question)
    assert lacks(found)["chinese"] == found.missing == (missing,)


def test_a_run_of_which_nothing_is_there_is_missing(projection: Projection) -> None:
    """As it was typed."""
    found = projection.search("区块链")
    assert (found.near, found.missing) == ((), ("区块链",))
