"""Ask the questions, and count how often the right session is first, and among the first five."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING

from tools.recall.questions import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tools.recall.engines import Answer, Ask
    from tools.recall.questions import Question

_AMONG = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and what a search answered.

    Attributes:
        question: the question.
        answer: the answer.
        seconds: processor time that it took: other programs on the machine do not change it.
    """

    question: Question
    answer: Answer
    seconds: float

    @property
    def rank(self) -> int:
        """Place of the first right session, 1 for the first; 0 if none is there."""
        for place, session in enumerate(self.answer.sessions, 1):
            if session in self.question.right:
                return place
        return 0


@dataclass(frozen=True, slots=True)
class Figures:
    """What some questions gave.

    Attributes:
        questions: how many were asked.
        first: share with the right session first.
        among: share with the right session among the first five.
        reciprocal: mean of 1 / rank, 0 where the right session is not there.
        nothing: share with no session at all.
        median, p95: milliseconds of processor time.
    """

    questions: int
    first: float
    among: float
    reciprocal: float
    nothing: float
    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Absence:
    """What questions gave about what was never said.

    Attributes:
        questions: how many were asked.
        claimed: for how many the search claims a message that matches.
        named: for how many it names a word that was never said.
    """

    questions: int
    claimed: int
    named: int


def ask_all(ask: Ask, questions: Iterable[Question]) -> list[Asked]:
    """Ask each question once."""
    found = []
    for question in questions:
        began = time.process_time()
        answer = ask(question.text)
        found.append(Asked(question, answer, time.process_time() - began))
    return found


def figures(asked: Sequence[Asked]) -> Figures:
    """Return the figures of questions that have an answer; there is at least one."""
    answered = [each for each in asked if each.question.kind != ABSENT]
    count, ranks = len(answered), [each.rank for each in answered]
    times = [each.seconds * 1_000 for each in answered]
    return Figures(
        questions=count,
        first=ranks.count(1) / count,
        among=sum(0 < rank <= _AMONG for rank in ranks) / count,
        reciprocal=sum(1 / rank for rank in ranks if rank) / count,
        nothing=sum(not each.answer.sessions for each in answered) / count,
        median=median(times),
        p95=quantiles(times, n=20)[-1] if count > 1 else times[0],
    )


def absence(asked: Iterable[Asked]) -> Absence:
    """Return the figures of questions about what was never said."""
    never = [each for each in asked if each.question.kind == ABSENT]
    named = 0
    for each in never:
        words = {word.casefold() for word in each.answer.missing}
        wanted = {part for word in each.question.missing for part in word.casefold().split()}
        named += not words.isdisjoint(wanted)
    return Absence(len(never), sum(each.answer.found > 0 for each in never), named)
