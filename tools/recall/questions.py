"""Sessions, questions about them, and which session answers each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MINUTE = 60_000_000
_BEGAN = "%I:%M %p on %d %B, %Y"
"""How dialogues write when a session began: `1:56 pm on 8 May, 2023`."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a session.

    Attributes:
        role: `user`, `assistant` or `tool`.
        text: its content.
        time: microseconds since 1970.
    """

    role: str
    text: str
    time: int


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation.

    Attributes:
        id: its id.
        title: its title; empty if it has none.
        project: its folder; empty if it has none.
        messages: its messages, in order.
    """

    id: str
    title: str
    project: str
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the sessions that answer it.

    Attributes:
        id: its id.
        kind: what is difficult about it.
        text: as a person asks it.
        right: ids of the sessions with the answer; empty if nothing was ever said about it.
        missing: words that no session has.
    """

    id: str
    kind: str
    text: str
    right: frozenset[str]
    missing: tuple[str, ...] = ()

    @property
    def is_held_out(self) -> bool:
        """Whether the question is of the half that is not looked at while a ranking is tuned."""
        return hashlib.sha256(self.id.encode()).digest()[0] % 2 == 1


@dataclass(frozen=True, slots=True)
class Collection:
    """Sessions that are searched together, and the questions about them.

    Attributes:
        name: its name.
        sessions: the sessions.
        questions: the questions.
    """

    name: str
    sessions: tuple[Session, ...]
    questions: tuple[Question, ...]


ABSENT, TWIN = "absent", "twin of an absent one"
"""Kinds of questions: about what was never said, and the same about what was."""


def read_made_up(folder: Path) -> Collection:
    """Read the made-up sessions and questions of a folder; its README describes the files.

    Raises:
        OSError: a file cannot be read.
        ValueError: a line is no JSON.
    """
    sessions = tuple(map(_session, _lines(folder, "*-sessions-*.jsonl")))
    questions = [_question(line) for line in _lines(folder, "*-questions.jsonl")]
    for pair in _lines(folder, "*-absent.jsonl"):
        id, missing = pair["id"], tuple(pair["missing"])
        questions.append(Question(id, ABSENT, pair["absent"], frozenset(), missing))
        questions.append(Question(f"{id}-twin", TWIN, pair["present"], _right(pair)))
    return Collection("made-up sessions", sessions, tuple(questions))


def read_locomo(folder: Path) -> list[Collection]:
    """Read the dialogues of LoCoMo, each with its questions that name evidence.

    Sources: https://github.com/snap-research/locomo, `data/locomo10.zip` unpacked: a file for each
    dialogue; Maharana et al., "Evaluating Very Long-Term Conversational Memory of LLM Agents",
    2024.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file is no JSON.
        KeyError: a file is no dialogue.
    """
    paths = sorted(folder.rglob("*.json"))
    return [_dialogue(path.stem, orjson.loads(path.read_bytes())) for path in paths]


def _lines(folder: Path, pattern: str) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob(pattern)):
        yield from map(orjson.loads, path.read_bytes().splitlines())


def _session(line: dict[str, Any]) -> Session:
    noon = datetime.fromisoformat(f"{line['date']}T12:00").replace(tzinfo=UTC)
    began = int(noon.timestamp()) * 1_000_000
    messages = tuple(
        Message(each["role"], each["text"], began + index * _MINUTE)
        for index, each in enumerate(line["messages"])
    )
    return Session(line["id"], line["title"], line["project"], messages)


def _question(line: dict[str, Any]) -> Question:
    return Question(line["id"], line["kind"], line["question"], _right(line))


def _right(line: dict[str, Any]) -> frozenset[str]:
    return frozenset((line["session"], *line.get("sessions", ())))


_CATEGORIES = {
    1: "several places",
    2: "when",
    3: "world knowledge",
    4: "one place",
    5: "misleading",
}
"""The categories of questions, by their numbers in the files."""


def _dialogue(name: str, dialogue: dict[str, Any]) -> Collection:
    sessions = []
    for number in range(1, 1 + sum(key.endswith("_date_time") for key in dialogue)):
        turns = dialogue.get(f"session_{number}")
        if turns:
            written = dialogue[f"session_{number}_date_time"]
            date = datetime.strptime(written, _BEGAN).replace(tzinfo=UTC)
            began = int(date.timestamp()) * 1_000_000
            texts = (f"{turn['speaker']}: {turn['text']}" for turn in turns)
            messages = (
                Message("user", text, began + index * _MINUTE) for index, text in enumerate(texts)
            )
            sessions.append(Session(f"D{number}", "", "", tuple(messages)))
    questions = tuple(
        Question(f"{name}-{index}", _CATEGORIES[each["category"]], each["question"], right)
        for index, each in enumerate(dialogue["qa"])
        if (right := _evidence(each["evidence"]))
    )
    return Collection(name, tuple(sessions), questions)


def _evidence(places: list[str]) -> frozenset[str]:
    """Return the sessions of places such as `D1:3`; one text may name several."""
    words = " ".join(places).replace(";", " ").replace(",", " ").split()
    return frozenset(word.partition(":")[0] for word in words if ":" in word)
