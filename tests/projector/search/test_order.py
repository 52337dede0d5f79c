"""The order of hits: titles, who wrote a message, what repeats, and keys of arguments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from projector import Projection
from projector.text.document import document, document_and_keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

T = 1_700_000_000_000_000


@pytest.fixture
def journal(journal_dir: Path) -> Iterator[Journal]:
    """An empty journal."""
    with Journal.open(journal_dir) as journal:
        yield journal


def _ids(journal: Journal, query: str, **more: Any) -> list[str]:  # noqa: ANN401 - as of a search
    with Projection.open(journal.path) as projection:
        return [hit.id for hit in projection.search(query, enough=0, **more)]


def _call(arguments: object) -> list[dict[str, Any]]:
    return [{"id": "c1", "function": {"name": "Grep", "arguments": json.dumps(arguments)}}]


def test_a_session_is_found_by_its_title(journal: Journal) -> None:
    """By its best match, or its first message; a title that changes is found as it is now."""
    for session in ("s1", "s2", "s3"):
        journal.append(session=session, type="session.created", data={"title": "A parser bug"})
    journal.append_message("s1", "user", "hello", id="a", timestamp=T)
    journal.append_message("s1", "user", "more", id="b", timestamp=T + 1)
    journal.append_message("s2", "tool", "the parser has a bug", id="c", timestamp=T + 2)
    journal.append_message("s2", "user", "hi", id="d", timestamp=T + 3, source="web")
    journal.append_message("s4", "user", "parser bug, parser bug", id="e", timestamp=T + 4)
    with Projection.open(journal.path) as projection:
        found = projection.search("parser bug")
        assert [(hit.id, hit.in_title) for hit in found] == [
            ("c", True),
            ("a", True),
            ("e", False),
        ]
        assert (found.total, found.exact) == (3, True)
        assert found[1].snippet == "hello"
        assert not projection.search("parser NOT zebra", session="s1")
        assert [hit.id for hit in projection.search("parser", source="web")] == ["d"]
        assert [hit.id for hit in projection.search('"parser bug"', sort="oldest")] == [
            "a",
            "c",
            "e",
        ]
        assert {h.session for h in projection.search("parser", group="session")} == {
            "s1",
            "s2",
            "s4",
        }
        journal.append(session="s1", type="session.revised", data={"title": "C++ questions"})
        assert [hit.session for hit in projection.search("parser", role="user")] == ["s2", "s4"]
        assert [hit.id for hit in projection.search('"C++"')] == ["a"]
        assert not projection.search('"C--"')
    with Projection.open(journal.path) as projection:
        projection.rebuild()
        assert [hit.id for hit in projection.search('"C++" questions')] == ["a"]


def test_more_titles_than_are_looked_at_are_a_lower_bound(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest sessions are found, and the count says that there may be more."""
    monkeypatch.setattr("projector.search.ordering.titles.MOST", 2)
    for n in range(3):
        journal.append(session=f"s{n}", type="session.created", data={"title": "parser"})
        journal.append_message(f"s{n}", "user", "hello", id=f"m{n}", timestamp=T + n)
    with Projection.open(journal.path) as projection:
        found = projection.search("parser")
        assert [hit.id for hit in found] == ["m2", "m1"]
        assert (found.total, found.exact) == (2, False)


def test_what_a_person_typed_comes_before_outputs(journal: Journal) -> None:
    """Of equal texts, that of a person is first, and those of tools and machines are last."""
    journal.append_message("s", "user", "needle here", id="person", timestamp=T)
    journal.append_message("s", "assistant", "needle here", id="assistant", timestamp=T + 1)
    journal.append_message("s", "tool", "needle here", id="tool", timestamp=T + 2)
    journal.append_message("s", "user", "needle here", id="meta", timestamp=T + 3, meta="reminder")
    assert _ids(journal, "needle") == ["person", "assistant", "meta", "tool"]
    assert _ids(journal, "needle", sort="newest") == ["meta", "tool", "assistant", "person"]


def test_messages_that_were_not_weighed_come_behind(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order of pages does not depend on the page."""
    monkeypatch.setattr("projector.search.ordering.order._WEIGHED", 2)
    for n in range(6):
        role = "tool" if n < 3 else "user"
        journal.append_message("s", role, "needle " * (6 - n) + "x " * n, id=f"m{n}", timestamp=T)
    whole = _ids(journal, "needle")
    assert whole == [f"m{n}" for n in range(6)]
    assert [_ids(journal, "needle", limit=2, offset=n) for n in (0, 2, 4)] == [
        whole[:2],
        whole[2:4],
        whole[4:],
    ]


@pytest.mark.parametrize("count", [3, 40])
def test_long_messages_that_say_the_same_are_one_hit(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """They are counted, also those that are not read; short ones and others are hits."""
    monkeypatch.setattr("projector.search.ordering.folded._READ", 12)
    prompt = "needle of 2026-01-{:02}: id 4f9{:02}b-00, be careful. " + "Follow the rules. " * 10
    for n in range(count):
        journal.append_message("s1", "tool", prompt.format(n, n), id=f"p{n}", timestamp=T + n)
    other = "needle of x1: " + "Follow the rules. " * 10
    journal.append_message("s1", "tool", other, id="x1", timestamp=T + 90)
    journal.append_message("s1", "tool", other.replace("x1", "x2"), id="x2", timestamp=T + 91)
    for n in range(2):
        journal.append_message("s2", "user", "needle 1", id=f"short{n}", timestamp=T + 92 + n)
    with Projection.open(journal.path) as projection:
        found = projection.search("needle", limit=10)
        shown = {hit.id: hit.same for hit in found}
        assert shown == {f"p{count - 1}": count - 1, "x1": 0, "x2": 0, "short0": 0, "short1": 0}
        assert found.total == count + 4
        pages = [projection.search("needle", limit=2, offset=n)[:] for n in (0, 2, 4)]
        assert [hit.id for page in pages for hit in page] == [hit.id for hit in found]
        assert len(projection.search("needle", group="session")) == 2
        assert len(projection.search("needle", include_replays=True, limit=99)) == count + 4
        assert projection.search("needle", sort="oldest", limit=1)[0].id == "p0"


def test_of_short_messages_that_say_the_same_three_are_shown(journal: Journal) -> None:
    """The newest three, with the count at the first; what differs in a number is another text."""
    for n in range(30):
        journal.append_message("s", "user", "go  On" if n % 2 else "go on", id=f"m{n}")
        journal.append_message("s", "user", f"go on {n}", id=f"n{n}")
    with Projection.open(journal.path) as projection:
        found = projection.search("go on", limit=100)
        equal = [(hit.id, hit.same) for hit in found if hit.id.startswith("m")]
        assert equal == [("m29", 27), ("m28", 0), ("m27", 0)]
        assert (len(found), found.total) == (33, 60)
        pages = [projection.search("go on", limit=11, offset=n)[:] for n in (0, 11, 22)]
        assert [hit for page in pages for hit in page] == list(found)


def test_keys_of_arguments_are_found_last(journal: Journal) -> None:
    """After all messages with the words in their texts, however old these are; also as they are."""
    arguments = {"file_path": "/x/a.py", "options": {"max_count": 3}}
    journal.append_message("s", "user", "what is the file path?", id="words", timestamp=T)
    journal.append_message("s", "user", "set file_path", id="text", timestamp=T + 1)
    for n in range(3):
        calls = _call(arguments)
        journal.append_message(
            "s", "assistant", None, id=f"c{n}", timestamp=T + 2 + n, tool_calls=calls
        )
    assert _ids(journal, "file_path")[0] == "text"
    assert set(_ids(journal, "file_path")) == {"text", "c0", "c1", "c2"}
    assert _ids(journal, "file path")[:2] in (["text", "words"], ["words", "text"])
    assert len(_ids(journal, "max_count")) == 3
    assert len(_ids(journal, "a.py file_path")) == 3
    assert len(_ids(journal, "grep options")) == 3
    assert len(_ids(journal, r"^max_c", mode="regex")) == 0
    assert len(_ids(journal, r"\bmax_c", mode="regex")) == 3
    with Projection.open(journal.path) as projection:
        assert projection.search("max_count")[0].snippet == "file_path options **max_count**"


def test_keys_do_not_take_the_place_of_texts(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of more matches than are ranked, those of texts are ranked."""
    monkeypatch.setattr("projector.search.matches.RANKED", 4)
    for n in range(3):
        journal.append_message("s", "user", f"the command {n}", id=f"m{n}", timestamp=T + n)
    for n in range(9):
        calls = _call({"command": "ls"})
        journal.append_message(
            "s", "assistant", None, id=f"c{n}", timestamp=T + 9 + n, tool_calls=calls
        )
    with Projection.open(journal.path) as projection:
        found = projection.search("command")
        assert {hit.id for hit in found[:3]} == {"m0", "m1", "m2"}
        assert (found.total, found.exact) == (5, False)


def test_keys_are_those_of_arguments() -> None:
    """At any depth, each once, and of nothing but arguments; the text is that of `document`."""
    data = {
        "content": [
            {"type": "tool_use", "name": "Bash", "input": {"b": 1, "a": {"c": [{"a": "x"}]}}},
            {"type": "text", "text": "hi"},
        ],
        "tool_calls": [{"function": {"name": "f", "arguments": '{"z": "v"}'}}],
        "extra": {"no": 1},
    }
    text, keys = document_and_keys(data)
    assert text == document(data)
    assert keys.split("\n") == ["a", "b", "c", "z"]
    assert document_and_keys({"content": "hi"}) == ("hi", "")
