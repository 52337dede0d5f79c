"""Search: filters, order, paging, context, and what an answer reports about itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from journal import EventError, Journal
from projector import Look, Projection, QueryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from projector import Hit

T = 1_700_000_000_000_000
"""Microseconds: 2023-11-14T22:13:20Z."""


@pytest.fixture
def journal(journal_dir: Path) -> Iterator[Journal]:
    """A journal with two conversations."""
    with Journal.open(journal_dir) as journal:
        data = {"title": "Containers", "source": "cli"}
        journal.append(session="s1", type="session.created", data=data)
        messages = [
            ("s1", "user", "how do I use docker compose", None),
            ("s1", "assistant", "write a compose file, then call get_user_name in P2.2", None),
            ("s1", "tool", "docker docker docker", "sandbox"),
            ("s1", "user", "thanks, 北京 and iPhone手机 work, path/to/file.py too", None),
            ("s2", "user", "docker without it: chat-send --force key=value", "web"),
            ("s2", "assistant", "안녕 세상 ラーメン 颐和园 café", "web"),
        ]
        for number, (session, role, text, source) in enumerate(messages, 1):
            id, at = f"m{number}", T + number
            journal.append_message(session, role, text, id=id, timestamp=at, source=source)
        yield journal


@pytest.fixture
def projection(journal: Journal) -> Iterator[Projection]:
    """Its projection."""
    with Projection.open(journal.path) as projection:
        yield projection


def _ids(hits: tuple[Hit, ...]) -> list[str]:
    return [hit.id for hit in hits]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("docker", ["m1", "m3", "m5"]),
        ("docker AND compose", ["m1"]),
        ("docker compose", ["m1"]),
        ("docker NOT compose", ["m3", "m5"]),
        ("thanks OR without", ["m4", "m5"]),
        ('"docker compose"', ["m1"]),
        ('"compose docker"', []),
        ("comp*", ["m1", "m2"]),
        ("(thanks OR call) NOT write", ["m4"]),
        ("DOCKER NOT (docker AND without)", ["m1", "m3"]),
        ("get_user_name", ["m2"]),
        ("user_name", ["m2"]),
        ("P2.2", ["m2"]),
        ("p2.3", []),
        ("chat-send", ["m5"]),
        ("--force", ["m5"]),
        ("key=value", ["m5"]),
        ("path/to/file.py", ["m4"]),
        ("北京", ["m4"]),
        ("京", ["m4"]),
        ("手机", ["m4"]),
        ("iPhone手机", ["m4"]),
        ("iphone", ["m4"]),
        ("안녕", ["m6"]),
        ("ラーメン", ["m6"]),
        ("ーメ", ["m6"]),
        ('"颐和园"', ["m6"]),
        ("颐园", []),
        ("cafe", ["m6"]),
        ("CAFÉ", ["m6"]),
        ("nothing", []),
    ],
)
def test_a_query_finds_what_a_person_expects(
    projection: Projection, query: str, expected: list[str]
) -> None:
    """Words, phrases, prefixes, operators, identifiers and CJK of any length."""
    assert sorted(_ids(projection.search(query).hits)) == expected


@pytest.mark.parametrize("query", ["", "   ", "*", '""', "NOT docker", "!!!", "\0", "🎉"])
def test_a_query_without_a_word_is_refused_clearly(projection: Projection, query: str) -> None:
    """A query without a searchable word raises an error, and does not return an empty answer."""
    with pytest.raises(QueryError, match=r"\S"):
        projection.search(query)


@pytest.mark.parametrize(
    "query",
    ['"docker', "docker)", "(docker", "docker AND", "OR docker", "docker*", "docker:", "^docker"],
)
def test_an_incomplete_query_is_searched(projection: Projection, query: str) -> None:
    """An open quote or bracket, or an operator without an operand, is no syntax error."""
    hits = projection.search(query).hits
    assert {hit.id for hit in hits} <= {"m1", "m3", "m5"}
    assert hits or query in {"docker AND", "OR docker"}


def test_filters_narrow_down(projection: Projection) -> None:
    """Role, source and session filter alone and together; messages inherit a session's source."""
    assert sorted(_ids(projection.search("docker", role="user").hits)) == ["m1", "m5"]
    assert sorted(_ids(projection.search("docker", session="s1").hits)) == ["m1", "m3"]
    assert _ids(projection.search("docker", source="sandbox").hits) == ["m3"]
    assert _ids(projection.search("docker", source="cli").hits) == ["m1"]
    assert _ids(projection.search("docker", role="user", session="s2").hits) == ["m5"]
    for nothing in ({"role": "tool", "session": "s2"}, {"session": "s"}, {"source": ""}):
        assert projection.search("docker", **nothing).hits == ()  # type: ignore[arg-type] # filters


def test_times_bound_the_search(projection: Projection) -> None:
    """`since` is inclusive and `until` exclusive; datetimes, ISO text and microseconds work."""
    assert sorted(_ids(projection.search("docker", since=T + 3).hits)) == ["m3", "m5"]
    assert sorted(_ids(projection.search("docker", until=T + 3).hits)) == ["m1"]
    assert _ids(projection.search("docker", since=T + 3, until=T + 4).hits) == ["m3"]
    assert len(projection.search("docker", since=datetime(2023, 1, 1, tzinfo=UTC)).hits) == 3
    assert not projection.search("docker", until="2023-11-14T22:13:20Z").hits
    assert len(projection.search("docker", until="2023-11-14T22:13:21Z").hits) == 3
    with pytest.raises(EventError, match="since"):
        projection.search("docker", since="yesterday-ish")
    with pytest.raises(EventError, match="time zone"):
        projection.search("docker", until=datetime(2023, 1, 1))  # noqa: DTZ001 - that is the point


def test_hits_are_sorted_as_requested(projection: Projection) -> None:
    """By relevance, the newest or the oldest first."""
    # m3 is the output of a tool, m1 what a person typed
    assert _ids(projection.search("docker").hits)[0] == "m1"
    assert _ids(projection.search("docker", sort="newest").hits) == ["m5", "m3", "m1"]
    assert _ids(projection.search("docker", sort="oldest").hits) == ["m1", "m3", "m5"]
    scores = [hit.score for hit in projection.search("docker").hits]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("sort", ["relevance", "newest", "oldest"])
def test_pages_join_without_gap_or_repeat(projection: Projection, sort: str) -> None:
    """Pages of one hit, joined, are the whole answer, in any order."""
    whole = _ids(projection.search("docker OR compose", sort=sort).hits)  # type: ignore[arg-type] # one of them
    pages = [
        _ids(projection.search("docker OR compose", sort=sort, limit=1, offset=n).hits)  # type: ignore[arg-type] # one of them
        for n in range(5)
    ]
    assert [id for page in pages for id in page] == whole
    assert len(whole) == 4


def test_a_hit_has_its_position_and_snippet(projection: Projection) -> None:
    """Every field of a hit is set, and the snippet marks the match."""
    (hit,) = projection.search("compose file").hits
    assert (hit.session, hit.id, hit.role, hit.source) == ("s1", "m2", "assistant", "cli")
    assert (hit.title, hit.time, hit.context) == ("Containers", T + 2, ())
    assert hit.score > 0
    assert hit.snippet.startswith("write a **compose** **file**, then")


def test_a_snippet_has_the_requested_width_and_marks(projection: Projection) -> None:
    """The caller chooses the width and the marks of a snippet."""
    look = Look(width=20, open="<", close=">", context=1)
    (hit,) = projection.search("get_user_name", look=look).hits
    assert "<get_user_name>" in hit.snippet
    assert len(hit.snippet) <= 26
    assert [view.id for view in hit.context] == ["m1", "m2", "m3"]


def test_context_is_the_messages_around(projection: Projection) -> None:
    """Context is N messages before and after in the same session, with the hit among them."""
    (hit,) = projection.search("sandbox OR thanks", context=1).hits
    assert [view.id for view in hit.context] == ["m3", "m4"]
    (hit,) = projection.search('"write a compose"', context=9).hits
    assert [view.id for view in hit.context] == ["m1", "m2", "m3", "m4"]


def test_many_matches_are_ranked_among_the_newest(
    journal: Journal, projection: Projection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If more messages match than are ranked, the newest are ranked, and the answer reports it."""
    monkeypatch.setattr("projector.search.matches.RANKED", 10)
    for number in range(9):
        journal.append_message("s3", "user", f"noise {number}", timestamp=T + 100 + number)
    results = projection.search("noise", limit=50)
    assert (len(results.hits), results.exact) == (9, True)
    for number in range(9, 12):
        journal.append_message("s3", "user", f"noise {number}", timestamp=T + 100 + number)
    results = projection.search("noise", limit=50)
    assert (len(results.hits), results.exact) == (10, False)
    assert {hit.time for hit in results.hits} == {T + 100 + n for n in range(2, 12)}
    oldest = projection.search("noise", limit=50, sort="oldest")
    assert [hit.time for hit in oldest.hits] == [T + 100 + n for n in range(10)]
    assert not oldest.exact
    assert projection.search("noise", session="s3", until=T + 105).exact


def test_fewer_matches_of_a_prefix_are_ranked(
    journal: Journal, projection: Projection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take longer; sorted by time nothing is ranked."""
    monkeypatch.setattr("projector.search.matches.RANKED", 10)
    for number in range(9):
        journal.append_message("s3", "user", f"noise {number}", timestamp=T + 100 + number)
    results = projection.search("nois*", limit=50)
    assert {hit.time for hit in results.hits} == {T + 100 + n for n in range(3, 9)}
    assert (results.exact, results.total) == (False, 7)
    assert projection.search("nois*", limit=50, sort="newest").total == 9


def test_exactly_as_many_matches_as_are_ranked_are_exact(
    journal: Journal, projection: Projection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If exactly as many messages match as are ranked, the answer is exact."""
    monkeypatch.setattr("projector.search.matches.RANKED", 3)
    results = projection.search("docker")
    assert (len(results.hits), results.exact) == (3, True)
    journal.append_message("s1", "user", "docker again")
    assert not projection.search("docker").exact


def test_results_repeat_the_query(projection: Projection) -> None:
    """The answer contains the query as it was typed."""
    results = projection.search(' "docker  ')
    assert (results.query, results.fresh, results.exact) == (' "docker  ', True, True)


def test_arguments_of_tool_calls_are_found(journal: Journal, projection: Projection) -> None:
    """Calls and their arguments are searched; base64 payloads are not."""
    call = {"name": "run_shell", "arguments": '{"command": "kubectl\\nget pods"}'}
    calls = [{"id": "c1", "type": "function", "function": call}]
    image = {"type": "image", "source": {"type": "base64", "data": "QUJD" * 300}}
    journal.append_message("s4", "assistant", [image], id="c", tool_calls=calls)
    for query in ("kubectl", "run_shell", '"get pods"'):
        assert _ids(projection.search(query).hits) == ["c"]
    assert not projection.search("QUJD*").hits
