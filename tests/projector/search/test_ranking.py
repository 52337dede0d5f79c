"""Ranking: the order of FTS5's bm25, computed faster."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from projector import Projection
from projector.db.tags import MOVED
from projector.search import Filters, Look, plain_search
from projector.search.prefixes import Prefixes
from projector.search.ranking import count_matches, rarity
from projector.text.query import parse

if TYPE_CHECKING:
    from pathlib import Path

    import apsw

_WORDS = [f"word{n}" for n in range(60)]


@pytest.fixture
def projection(journal_dir: Path) -> Projection:
    """A projection of messages of random words; the first words are the most common."""
    random = Random(7)  # noqa: S311 - reproducible, not secret
    weights = [1 / (n + 1) for n in range(len(_WORDS))]
    with Journal.open(journal_dir) as journal:
        journal.append_many(
            {
                "session": f"s{n % 7}",
                "id": f"m{n}",
                "type": "message.appended",
                "data": {
                    "role": random.choice(["user", "assistant"]),
                    "content": " ".join(random.choices(_WORDS, weights, k=random.randint(1, 30))),
                    **({"source": random.choice(["cli", "web"])} if n % 3 else {}),
                },
            }
            for n in range(400)
        )
        journal.append(session="s1", type="session.created", data={"source": "cli"})
    return Projection.open(journal_dir)


def _bm25(db: apsw.Connection, query: str) -> dict[int, float]:
    """Rank with FTS5's own function, over the searched column."""
    match = f"text : ({parse(query).match})"
    found = db.execute("SELECT rowid, -bm25(fts, 1.0, 0.0) FROM fts WHERE fts MATCH ?", (match,))
    return {int(row): float(score) for row, score in found}


def _key(db: apsw.Connection, row: int) -> tuple[str, str]:
    query = (
        "SELECT s.session, e.event_id FROM _events e JOIN _sessions s ON s.id = e.session"
        " WHERE e.id = ?"
    )
    [(session, key)] = db.execute(query, (row,)).fetchall()
    return str(session), str(key)


@pytest.mark.parametrize(
    "query",
    ["word0", "word40", "word1 word2", "word3 OR word30", '"word0 word1"', "word0 NOT word1"],
)
def test_the_order_is_that_of_bm25(projection: Projection, query: str) -> None:
    """Messages have the order of FTS5's own bm25."""
    (hits, _), _ = projection.read(
        lambda db: plain_search(
            db, parse(query), Filters(), limit=400, offset=0, sort="relevance", look=Look()
        )
    )
    own = {(hit.session, hit.id): hit.score for hit in hits}

    def ranked(db: apsw.Connection) -> list[tuple[str, str, float]]:
        return [
            (*_key(db, row), score)
            for row, score in sorted(_bm25(db, query).items(), key=lambda item: -item[1])
        ]

    theirs, _ = projection.read(ranked)
    assert len(own) == len(theirs) > 0
    # FTS5 counts the tags as words of the length, so messages with near scores may change places
    in_their_order = [own[session, id] for session, id, _ in theirs]
    slack = max(in_their_order) * 0.2
    assert all(after <= before + slack for before, after in pairwise(in_their_order))


def test_a_common_phrase_weighs_less_than_a_rare_one() -> None:
    """Weights fall with the number of matches, and never below a floor."""
    weights = [rarity(matches, 1000) for matches in (1, 10, 400, 600, 1000, 2000)]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] > 6
    assert weights[-1] == weights[-2] > 0


def test_scores_grow_with_counts_and_fall_with_length(journal_dir: Path) -> None:
    """A word that occurs more often adds less each time; in a longer text it counts less."""
    texts = {"once": (1, 10), "twice": (2, 10), "thrice": (3, 10), "longer": (1, 900)}
    with Journal.open(journal_dir) as journal:
        for id, (count, words) in texts.items():
            journal.append_message("s", "user", "apple " * count + "x " * (words - count), id=id)
    with Projection.open(journal_dir) as projection:
        scores = {hit.id: hit.score for hit in projection.search("apple").hits}
    assert scores["twice"] - scores["once"] > scores["thrice"] - scores["twice"] > 0
    assert scores["longer"] < scores["once"]


def test_common_words_are_estimated(
    projection: Projection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Common words are estimated from their newest matches; rare ones are counted."""
    truth, _ = projection.read(lambda db: len(_bm25(db, "word0")))
    counted, _ = projection.read(lambda db: count_matches(db, '"word0"'))
    assert counted == truth
    monkeypatch.setattr("projector.search.ranking.SAMPLED", 50)
    estimated, _ = projection.read(lambda db: count_matches(db, '"word0"'))
    assert estimated == pytest.approx(truth, rel=0.3)
    assert estimated != truth


@pytest.mark.parametrize("query", ["word1*", "word4* word0", "word0 NOT word5*", "word59*"])
def test_a_prefix_finds_the_same_expanded_or_not(
    projection: Projection, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """The words that replace a prefix find the same messages, up to the bound of the expansion."""
    wide, _ = projection.read(lambda db: Prefixes(db).widen(parse(query)))
    assert wide.words > 0
    found = {hit.id: hit.score for hit in projection.search(query, limit=400).hits}
    monkeypatch.setattr("projector.search.prefixes.MOST", 0)
    monkeypatch.setattr("projector.search.prefixes._DENSE", 2.0)
    assert projection.read(lambda db: Prefixes(db).widen(parse(query)))[0].words == 0
    plain = {hit.id: hit.score for hit in projection.search(query, limit=400).hits}
    # beside another phrase, a prefix has the weight of the words that it is expanded to
    assert found == plain if query.count(" ") == 0 else found.keys() == plain.keys()
    monkeypatch.setattr("projector.search.prefixes._DENSE", 0.0)
    assert {hit.id for hit in projection.search(query, limit=400).hits} == found.keys()
    assert found


def test_a_prefix_of_most_messages_is_looked_for_in_the_newest(
    projection: Projection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No list of the index is merged for it; how many match is said to be a lower bound."""
    everything = projection.search("w*", limit=400)
    assert (everything.exact, everything.total) == (True, 400)
    monkeypatch.setattr("projector.search.prefixes.MOST", 5)
    monkeypatch.setattr("projector.search.matches._SCANNED", 30)
    found = projection.search("w*", limit=400)
    assert (found.exact, found.total, found.cut, len(found)) == (False, 31, None, 30)
    newest = projection.search("w*", limit=30, sort="newest")
    assert {hit.id for hit in newest} == {hit.id for hit in found}
    both = projection.search("word9 w*", limit=400)
    assert {hit.id for hit in both} == {hit.id for hit in projection.search("word9", limit=400)}
    assert both.exact


@pytest.mark.slow
@pytest.mark.parametrize("role", [None, "user"])
@pytest.mark.parametrize("source", [None, "cli", "web"])
@pytest.mark.parametrize("session", [None, "s1", "s2", "nowhere"])
def test_filters_find_what_a_plain_scan_finds(
    projection: Projection, role: str | None, source: str | None, session: str | None
) -> None:
    """Tags narrow a search to exactly the messages that pass its filters."""
    hits = projection.search("word0", role=role, source=source, session=session, limit=400).hits
    wanted = {
        (name, message.id)
        for name in (f"s{n}" for n in range(7))
        for message in projection.messages(name)
        if "word0" in str(message.content).split()
        and role in {None, message.role}
        and source in {None, message.source}
        and session in {None, name}
    }
    assert {(hit.session, hit.id) for hit in hits} == wanted


def test_a_filter_follows_a_session_whose_source_changes(journal_dir: Path) -> None:
    """Indexed messages of the session are found by the new source, and not by the old one."""
    with Journal.open(journal_dir) as journal, Projection.open(journal_dir) as projection:

        def found(source: str) -> set[str]:
            return {hit.id for hit in projection.search("apple", source=source).hits}

        journal.append_message("s", "user", "apple", id="early")
        journal.append_message("s", "user", "apple", id="own", source="web")
        journal.append_message("other", "user", "apple", id="other")
        assert (found("cli"), found("web")) == (set(), {"own"})
        journal.append(session="other", id="c", type="session.created", data={"source": "cli"})
        journal.append(session="s", id="c", type="session.created", data={"source": "cli"})
        journal.append_message("s", "user", "apple", id="late")
        assert (found("cli"), found("web")) == ({"early", "late", "other"}, {"own"})
        journal.append(session="s", type="session.revised", data={"source": "web"})
        assert (found("cli"), found("web")) == ({"other"}, {"early", "own", "late"})
        journal.append(session="s", type="message.removed", data={"messages": ["early"]})
        journal.append(
            session="s", type="message.revised", data={"message": "late", "content": "pear"}
        )
        assert found("web") == {"own"}
        assert {hit.id for hit in projection.search("pear", source="web").hits} == {"late"}
        # the same tag twice in a filter would count as two matches
        assert len({hit.score for hit in projection.search("apple").hits}) == 1


def test_a_session_that_is_created_with_its_messages_has_not_moved(journal_dir: Path) -> None:
    """A session's source that the same transaction sets is used when its messages are indexed."""
    with Journal.open(journal_dir) as journal:
        journal.append(session="s", type="session.created", data={"source": "cli"})
        journal.append_message("s", "user", "apple")
    with Projection.open(journal_dir) as projection:
        assert len(projection.search("apple", source="cli").hits) == 1
        moved = f"SELECT count(*) FROM _sessions WHERE {MOVED}"
        assert projection.read(lambda db: db.execute(moved).get)[0] == 0
