"""The measurement of recall counts what a search really found."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest

from tools.recall import run
from tools.recall.engines import OTHERS, Answer, ours
from tools.recall.measure import absence, ask_all, figures
from tools.recall.questions import (
    ABSENT,
    TWIN,
    Message,
    Question,
    Session,
    read_locomo,
    read_made_up,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

SESSIONS = (
    Session("s1", "Retries", "web", (Message("user", "the retry budget is three", 10**15),)),
    Session("s2", "", "", (Message("user", "deployed to staging", 10**15),)),
)
SET = Path(run.__file__).parent / "set"


def _asked(answers: Mapping[str, Answer], right: Mapping[str, str]) -> list[Question]:
    return [
        Question(text, "kind", text, frozenset(filter(None, [right[text]]))) for text in answers
    ]


def test_ranks_are_counted() -> None:
    """First, among five, later and never are counted apart."""
    answers = {
        "a": Answer(("s1", "s2"), 1),
        "b": Answer(("s1", "s2"), 0),
        "c": Answer(("1", "2", "3", "4", "5", "s3"), 2),
        "d": Answer((), 0),
    }
    questions = _asked(answers, {"a": "s1", "b": "s2", "c": "s3", "d": "s4"})
    got = figures(ask_all(answers.__getitem__, questions))
    assert (got.questions, got.first, got.among, got.nothing) == (4, 0.25, 0.5, 0.25)
    assert got.reciprocal == pytest.approx((1 + 1 / 2 + 1 / 6) / 4)


def test_claims_about_what_was_never_said_are_counted() -> None:
    """A claim is a message that matches; a name is a word of those that no session has."""
    answers = {"a": Answer(("s1",), 3), "b": Answer(("s1",), 0, ("Kafka",)), "c": Answer((), 0)}
    questions = [Question(text, ABSENT, text, frozenset(), ("kafka",)) for text in answers]
    got = absence(ask_all(answers.__getitem__, questions))
    assert (got.questions, got.claimed, got.named) == (3, 1, 1)


def test_our_search_is_asked_as_it_is() -> None:
    """Its hits come before what comes nearest, and what was never said is named."""
    with ours(SESSIONS) as ask:
        assert ask("retry budget") == Answer(("s1",), 1)
        near = ask("what about the deployment to kubernetes?")
        assert (near.sessions[0], near.found, near.missing) == ("s2", 0, ("kubernetes",))


@pytest.mark.parametrize("name", OTHERS)
def test_other_searches_have_the_same_texts(name: str) -> None:
    """Messages and titles; a plain AND needs all words in one of them."""
    if name == "tantivy":
        pytest.importorskip("tantivy", reason="tantivy is in the environment of the benchmarks")
    with OTHERS[name](SESSIONS) as ask:
        assert ask("retries").sessions == ("s1",)
        assert ask("staging").sessions == ("s2",)
        assert set(ask("retry staging?").sessions) == (set() if "AND" in name else {"s1", "s2"})
        assert ask("!?").sessions == ()


def test_a_dialogue_of_locomo_is_read(tmp_path: Path) -> None:
    """A turn is a message; a question without evidence is left out."""
    turn = {"speaker": "Ann", "dia_id": "D1:1", "text": "I bought a boat."}
    asked = {"question": "Who has a boat?", "evidence": ["D1:1; D2:3"], "category": 4}
    dialogue = {
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [turn],
        "session_2_date_time": "1:14 am on 25 May, 2023",
        "qa": [asked, asked | {"evidence": []}],
    }
    (tmp_path / "26.json").write_bytes(orjson.dumps(dialogue))
    (found,) = read_locomo(tmp_path)
    [message] = found.sessions[0].messages
    assert message == Message("user", "Ann: I bought a boat.", 1_683_554_160_000_000)
    assert [(each.text, set(each.right)) for each in found.questions] == [
        ("Who has a boat?", {"D1", "D2"})
    ]


def test_the_made_up_questions_have_answers() -> None:
    """Ids are unique, right sessions exist, and what is called absent is in no session."""
    found = read_made_up(SET)
    sessions = {session.id for session in found.sessions}
    assert len(sessions) == len(found.sessions) >= 200
    ids = [question.id for question in found.questions]
    assert len(set(ids)) == len(ids)
    kinds = [question.kind for question in found.questions]
    assert kinds.count(ABSENT) == kinds.count(TWIN) >= 200
    assert len(kinds) - kinds.count(ABSENT) - kinds.count(TWIN) >= 300
    texts = [text for session in found.sessions for text in (session.title, *_texts(session))]
    everything = "\n".join(texts).casefold()
    for question in found.questions:
        assert question.right <= sessions
        assert bool(question.right) is (question.kind != ABSENT)
        assert bool(question.missing) is (question.kind == ABSENT)
        assert [word for word in question.missing if _is_in(word.casefold(), everything)] == []


def _is_in(word: str, text: str) -> bool:
    """Return whether a text has a word: a Latin one not as a part of another word."""
    found = rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word)
    return re.search(found, text) is not None


def _texts(session: Session) -> list[str]:
    return [message.text for message in session.messages]


def test_tables_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints a row for our search, its kinds, and what was never said."""
    line = {"id": "s1", "title": "T", "project": "p", "date": "2026-01-02"}
    line["messages"] = [{"role": "user", "text": "the retry budget"}]  # type: ignore[assignment]
    question = {"id": "q1", "kind": "decision", "question": "retry budget", "session": "s1"}
    pair = {"id": "a1", "absent": "the boat", "missing": ["boat"], "session": "s1"}
    lines = {"sessions-1": line, "questions": question, "absent": pair | {"present": "budget"}}
    for name, each in lines.items():
        (tmp_path / f"x-{name}.jsonl").write_bytes(orjson.dumps(each))
    assert run.main(["--set", str(tmp_path), "--ours"]) == 0
    printed = capsys.readouterr().out
    assert "| decision | 1 | 100.0 % / 100.0 % |" in printed
    assert "| agent-journal | 1 | 0 | 1 |" in printed
