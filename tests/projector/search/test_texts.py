"""Searches in which the texts decide: literals and regular expressions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from journal import Journal
from projector import Projection, Selection, forget, plan
from projector.cli import cli
from projector.text import query
from projector.text.highlight import Folded, fold_whole

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

TEXTS = {
    "cpp": "write it in C++, not C",
    "c": "the language C is old",
    "exact": "then call run-all again",
    "words": "run all the tests",
    "done": "it is done 🎉",
    "path": "see /etc/hosts:3 there",
    "refused": "Error: ECONNREFUSED 127.0.0.1:6379",
}


@pytest.fixture
def path(journal_dir: Path) -> Path:
    """A journal with a message for each text."""
    with Journal.open(journal_dir) as journal:
        for number, (id, text) in enumerate(TEXTS.items()):
            session = "s1" if number % 2 else "s2"
            journal.append_message(session, "user", text, id=id, source="cli")
        journal.append(session="s3", type="session.created", data={"relation": "subagent"})
        journal.append_message("s3", "user", "a sub-agent says C++ 🎉", id="sub")
        call = {"name": "Bash", "arguments": '{"command": "grep -r \\"a != b\\" ."}'}
        call_id = [{"id": "c1", "function": call}]
        journal.append_message("s1", "assistant", None, id="call", tool_calls=call_id)
    return journal_dir


@pytest.mark.parametrize(
    ("query", "mode", "expected"),
    [
        ('"C++"', "words", {"cpp", "sub"}),
        ("C++", "words", {"cpp", "sub"}),
        ("run-all", "words", {"exact"}),
        ("run all", "words", {"exact", "words"}),
        ('"🎉"', "words", {"done", "sub"}),
        ('"/etc/hosts:3"', "words", {"path"}),
        ('"a != b"', "words", {"call"}),
        ("sub-agent", "words", {"sub"}),
        ('it NOT "C++"', "words", {"done"}),
        ("C++, not", "literal", {"cpp"}),
        ("🎉", "literal", {"done", "sub"}),
        ("run all", "literal", {"words"}),
        (r"C\+\+", "regex", {"cpp", "sub"}),
        (r"\bECONNREFUSED 127\.0", "regex", {"refused"}),
        (r"(?i)econn\w+ \d+", "regex", {"refused"}),
        ("econn", "regex", set()),
        ("run.all", "regex", {"exact", "words"}),
        ("^it|[🎉]", "regex", {"done", "sub"}),
    ],
)
def test_a_text_decides(path: Path, query: str, mode: str, expected: set[str]) -> None:
    """What is found is what has it, as it is typed; all are counted."""
    with Projection.open(path) as projection:
        found = projection.search(query, mode=mode, enough=0)  # type: ignore[arg-type]
        assert {hit.id for hit in found} == expected
        assert (found.total, found.exact, found.cut) == (len(expected), True, None)
        if mode == "regex":
            assert all("**" in hit.snippet for hit in found)


def test_a_text_without_a_sign_is_not_compared(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To fold it takes longer than all the rest."""
    folded: list[str] = []

    def recorded(text: str) -> Folded:
        folded.append(text)
        return fold_whole(text)

    monkeypatch.setattr(query, "fold_whole", recorded)
    with Projection.open(path) as projection:
        assert projection.search('"🎉"').total == 2
    assert len(folded) == 2


@pytest.mark.parametrize("query", ['"🎉"', '"C++"', '"C++" OR "🎉"'])
def test_filters_narrow_texts_down(path: Path, query: str) -> None:
    """Sessions, sub-agents, sources and times, also where no word narrows a search down."""
    with Projection.open(path) as projection:
        every = {hit.id for hit in projection.search(query)}
        assert {hit.id for hit in projection.search(query, subagents=False)} == every - {"sub"}
        assert {hit.id for hit in projection.search(query, session="s3")} == {"sub"}
        assert {hit.id for hit in projection.search(query, source="cli")} == every - {"sub"}
        assert not projection.search(query, role="tool")
        assert not projection.search(query, until=1)
        assert {hit.id for hit in projection.search(query, include_replays=True)} == every
        oldest = [hit.time for hit in projection.search(query, sort="oldest")]
        assert oldest == sorted(oldest)


def test_an_identifier_that_nobody_wrote_has_its_words_nearest(path: Path) -> None:
    """No message has `run_all`; those with the words are no hits."""
    with Projection.open(path) as projection:
        found = projection.search("run_all")
        assert not found
        assert {hit.id for hit in found.near[:2]} == {"exact", "words"}
        assert not projection.search('"run_all"').near


def test_an_answer_says_where_the_time_was_over(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many texts were read, and how many of these match; the newest come first."""
    monkeypatch.setattr("projector.search.texts._STEP", 1)
    with Projection.open(path) as projection:
        monkeypatch.setattr("projector.search.find.SECONDS", -1.0)
        found = projection.search(".", mode="regex")
        assert (found.total, found.exact, found.cut, list(found)) == (0, False, 0, [])
        monkeypatch.setattr("projector.search.find.SECONDS", 3.5)
        ticks = iter(range(100))
        monkeypatch.setattr("projector.search.texts.monotonic", lambda: next(ticks))
        found = projection.search(".", mode="regex")
        assert (found.total, found.exact, found.cut) == (3, False, 3)
        assert {hit.id for hit in found} == {"call", "sub", "refused"}


def test_what_no_word_narrows_down_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of matches everywhere the newest are ranked; there are more."""
    monkeypatch.setattr("projector.search.matches._SCANNED", 2)
    with Projection.open(path) as projection:
        found = projection.search(".", mode="regex")
        assert (len(found), found.total, found.exact, found.cut) == (2, 3, False, None)
        page = projection.search(".", mode="regex", sort="newest", offset=3, limit=2)
        assert len(page) == 2


def test_what_is_forgotten_is_what_is_found(path: Path) -> None:
    """Messages that have the words of a phrase and not its signs stay."""
    with Projection.open(path) as projection:
        selection = Selection(query='"C++" OR "🎉"')
        planned = plan(path, selection)
        assert {message.id for message in planned.messages} == {"cpp", "done", "sub"}
        forget(path, selection)
        assert {hit.id for hit in projection.search("c OR done")} == {"c"}


def test_the_command_takes_literals_and_patterns(path: Path) -> None:
    """`--literal` and `--regex` exclude each other; JSON has the counts."""

    def run(*arguments: str, code: int = 0) -> Result:
        found = CliRunner().invoke(cli, ["--journal", str(path), "search", *arguments])
        assert found.exit_code == code, found.output
        return found

    answer = json.loads(run("--json", "--literal", "C++, not").stdout)
    assert [hit["id"] for hit in answer["hits"]] == ["cpp"]
    assert (answer["total"], answer["exact"], answer["cut"]) == (1, True, None)
    assert "**ECONNREFUSED**" in run("--regex", r"ECONN\w+").stdout
    assert "exclude each other" in run("--regex", "--literal", "x", code=2).stderr


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1.0, "the time was over after the texts of 0 messages, of which 0 match"), (9.0, "only 2")],
)
def test_a_terminal_says_what_was_left_out(
    path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, said: str
) -> None:
    """The time, or the number of matches."""
    monkeypatch.setattr("projector.search.find.SECONDS", seconds)
    monkeypatch.setattr("projector.search.matches._SCANNED", 2)
    found = CliRunner().invoke(cli, ["--journal", str(path), "search", "--regex", "."])
    assert said in found.stderr
