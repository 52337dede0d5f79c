"""What comes nearest to a question of which no message has all words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from journal import Journal
from projector import Look, Projection, QueryError, Results
from projector.search.recall import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

T = 1_700_000_000_000_000
TEXTS = {
    "budget": [
        "how many retries may a request have",
        "We agreed on a budget of three attempts, then the circuit opens.",
        "fine, deploy it",
    ],
    "deploys": [
        "the deployment went to staging",
        "Deployed again: the canary is green.",
        "good",
    ],
    "redis": [
        "ECONNREFUSED 127.0.0.1:6379 when the worker starts",
        "Redis was not running; I started the container.",
    ],
    "chinese": ["重试预算的上限是三次", "好的"],
    "noise": ["we did what we decided about it", "what about the other one", "the the the"],
}


@pytest.fixture
def projection(journal_dir: Path) -> Iterator[Projection]:
    """The projection of five conversations."""
    with Journal.open(journal_dir) as journal:
        at = T
        for session, texts in TEXTS.items():
            title = {"title": session, "source": "cli", "cwd": f"/work/{session}"}
            journal.append(session=session, type="session.created", data=title)
            for number, text in enumerate(texts):
                at += 1_000_000
                role = "assistant" if number % 2 else "user"
                journal.append_message(
                    session, role, text, id=f"{session}{number}", timestamp=at, source="cli"
                )
    with Projection.open(journal_dir) as projection:
        yield projection


def near(results: Results) -> list[str]:
    """Return the ids of what comes nearest; nothing matches."""
    assert (len(results), list(results)) == (0, [])
    return [hit.id for hit in results.near]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("how many retries did we agree on", "budget0"),
        ("how many attempts before the circuit opened", "budget1"),
        ("when did we deploy to the canary", "deploys1"),
        ("redis container would not start", "redis1"),
        ("ECONNREFUSED 127.0.0.1:6380", "redis0"),
        ("重试的预算是多少", "chinese0"),
        ("redis contaner running", "redis1"),
    ],
)
def test_a_question_finds_what_it_is_about(
    projection: Projection, question: str, expected: str
) -> None:
    """Grammar words count for nothing, and other forms, misspellings and numbers are found."""
    assert near(projection.search(question))[0] == expected


def test_what_has_all_words_is_a_hit_and_nothing_else_is_shown(projection: Projection) -> None:
    """What comes nearest is looked for only where too few messages match."""
    found = projection.search("budget attempts")
    assert [hit.id for hit in found] == ["budget1"]
    assert (found.near, found.missing, dict(found.meant)) == ((), (), {})
    more = projection.search("budget attempts", enough=2)
    assert [hit.id for hit in more] == ["budget1"]
    assert "budget1" not in [hit.id for hit in more.near]
    assert projection.search("retry budget", enough=0).near == ()


@pytest.mark.parametrize(
    "query",
    ['"retry budget"', "retry AND budget", "retry OR zebra", "budget NOT attempts", "retr* zebra"],
)
def test_an_explicit_query_means_what_it_says(projection: Projection, query: str) -> None:
    """Quotes, operators and stars never fall back to what is near."""
    found = projection.search(query)
    assert (len(found), found.near) == (0, ()) or query == "retry OR zebra"


def test_missing_words_are_named(projection: Projection) -> None:
    """For all messages, and for each hit those that its whole session lacks."""
    found = projection.search("retry budget for kubernetes")
    assert found.missing == ("kubernetes",)
    assert found.near[0].missing == ("kubernetes",)
    # the session of the answer has `retries` in another message
    assert near(projection.search("retry budget circuit staging"))[0] == "budget1"
    other = next(hit for hit in found.near if hit.session == "budget")
    assert "retry" not in other.missing


def test_a_misspelt_word_is_named_with_what_was_meant(projection: Projection) -> None:
    """It is searched for in the place of the word, and marked in the snippet."""
    found = projection.search("the bugdet of the circuit")
    assert found.missing == ("bugdet",)
    assert dict(found.meant) == {"bugdet": ("budget",)}
    assert "**budget**" in found.near[0].snippet
    assert found.near[0].missing == ()


def test_forms_are_marked_in_the_snippet(projection: Projection) -> None:
    """A reader sees why a message was found."""
    found = projection.search("decide deploying staging", look=Look(open="<", close=">"))
    assert found.near[0].snippet == "the <deployment> went to <staging>"


def test_what_was_never_mentioned_is_not_found(projection: Projection) -> None:
    """No hit, and what is near says what is missing; where nothing is near, there is nothing."""
    found = projection.search("what did we decide about the blockchain")
    assert len(found) == 0
    assert found.missing == ("blockchain",)
    assert all("blockchain" in hit.missing for hit in found.near)
    nothing = projection.search("blockchain zebra")
    assert (len(nothing), nothing.near, nothing.missing) == (0, (), ("blockchain", "zebra"))


def test_a_question_of_grammar_words_is_asked_as_it_is(projection: Projection) -> None:
    """Where there is nothing better, grammar words are what it is about."""
    assert near(projection.search("who are they and what was it"))[0] in {"noise0", "noise1"}


def test_filters_narrow_what_is_near(projection: Projection) -> None:
    """As they narrow hits."""
    question = "the retry budget of the canary"
    assert {hit.session for hit in projection.search(question).near} == {"budget", "deploys"}
    for filters in (
        {"session": "deploys"},
        {"project": "deploys"},
        {"since": T + 4_000_000, "until": T + 7_000_000},
    ):
        found = projection.search(question, **filters)
        assert {hit.session for hit in found.near} == {"deploys"}, filters
    assert projection.search(question, source="web").near == ()


def test_pages_continue_where_the_last_one_ended(projection: Projection) -> None:
    """Hits come first, then what is near, over all pages; no message is there twice."""
    question = "deployment staging budget canary request"
    whole = near(projection.search(question, limit=100))
    assert len(whole) > 3
    pages = [near(projection.search(question, limit=2, offset=at)) for at in range(0, 10, 2)]
    assert [id for page in pages for id in page] == whole


def test_each_session_is_there_once_if_hits_are_grouped(projection: Projection) -> None:
    """By its best message, and with how many more there are."""
    found = projection.search("deployment canary budget", group="session")
    assert [(hit.session, hit.more) for hit in found.near] == [("deploys", 1), ("budget", 1)]
    hits = projection.search("what", group="session")
    assert [(hit.session, hit.more) for hit in hits] == [("noise", 1)]
    with pytest.raises(ValueError, match="group"):
        projection.search("what", group="day")  # type: ignore[arg-type]


def test_two_common_words_are_found_together(
    projection: Projection, journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the newest messages with either of them do not have both."""
    monkeypatch.setattr(nearest, "_READ", 2)
    with Journal.open(journal_dir) as journal:
        for number in range(6):
            journal.append_message(f"late{number}", "user", ("circuit", "budget")[number % 2])
    assert "budget1" in near(projection.search("circuit budget zebra"))


def test_a_replay_is_found_where_it_is_asked_for(journal_dir: Path) -> None:
    """What is near is found at home, and everywhere with `include_replays`."""
    with Journal.open(journal_dir) as journal:
        for session, more in (("home", {}), ("fork", {"parent": "home", "relation": "fork"})):
            journal.append(session=session, type="session.created", data=more)
            journal.append_message(session, "user", "the retry budget", line="l1", timestamp=T)
        journal.append_message("fork", "user", "something else", line="l2", timestamp=T + 1)
    with Projection.open(journal_dir) as projection:
        assert [hit.session for hit in projection.search("retry zebra").near] == ["home"]
        both = projection.search("retry zebra", include_replays=True).near
        assert {hit.session: hit.home for hit in both} == {"home": None, "fork": "home"}


@pytest.mark.parametrize("query", ["", "!!", "NOT x"])
def test_a_query_without_words_is_an_error(projection: Projection, query: str) -> None:
    """As without the second tier."""
    with pytest.raises(QueryError):
        projection.search(query)


def test_a_long_text_is_a_question_too(projection: Projection) -> None:
    """A pasted log of a thousand words is answered by its rarest words."""
    text = " ".join(f"word{number}" for number in range(500)) + " ECONNREFUSED redis"
    found = projection.search(f"ECONNREFUSED redis {text}")
    assert found.near[0].session == "redis"
