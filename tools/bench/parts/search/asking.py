"""Asking a million messages as people do: questions in whole sentences, and prefixes of one letter.

A question has words that no message has together, so that most questions need the second tier:
what comes nearest.
"""

from __future__ import annotations

from random import Random
from string import ascii_lowercase
from time import perf_counter
from typing import TYPE_CHECKING

from projector import Projection
from tools.bench.corpus.stage import projected_of
from tools.bench.corpus.words import Texts
from tools.bench.processes import alone
from tools.bench.report.figure import Figure, at_most, figure
from tools.bench.report.spread import percentile

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.bench.plan import Plan

ROW = "questions at 1 M messages, 200 whole sentences"
FLOOR = (
    "FTS5 walks the entries of the rarest words of the question and of their forms, and 20 texts"
    " are read from their pages."
)
_LIMIT = 20
_SENTENCES = (
    "what did we decide about the {} and the {}?",
    "why does {} fail when {} is {}?",
    "where did I put the {} for {}?",
    "how do we {} a {} without {}",
    "who said that {} needs {}, and when?",
    "which {} did you use to {} the {}?",
    "when was the {} of {} changed last?",
    "can you tell me again how {} works with {}",
)
_COMMON, _MIDDLE = 60, 20_000
"""The ranks from which words are of medium frequency, and rare."""
_SHARES = {"p95": (95, 60.0), "worst": (100, None)}


def measure(plan: Plan) -> list[Figure]:
    """Measure milliseconds of each question, and of each letter as a prefix."""
    path = str(projected_of(plan, plan.backlog))
    rounds = []
    for turn in range(plan.heavy_rounds):
        plan.say(f"asking, round {turn + 1}")
        rounds.append(alone(plan, "parts.search.asking", "ask", path=path, count=plan.queries))
    near = sum(rounds[0]["near"]) / len(rounds[0]["near"])
    figures = [
        figure(
            f"{plan.queries} questions: {what}",
            "ms",
            [percentile(taken["questions"], share) for taken in rounds],
            target=None if limit is None else at_most(limit),
            note=f"{near:.0%} of them have no message with all words" if share < 100 else "",  # noqa: PLR2004 - the worst
        )
        for what, (share, limit) in _SHARES.items()
    ]
    letters = [max(taken["letters"]) for taken in rounds]
    return [*figures, figure("prefixes of one letter: worst", "ms", letters, target=at_most(100))]


def questions(count: int) -> list[str]:
    """Return questions about words of the corpus: common, of medium frequency and rare."""
    rng = Random(11)
    words = [word for word in Texts().vocabulary.words if word.isascii() and word.isalpha()]
    ranks = ((0, _COMMON), (_COMMON, _MIDDLE), (_COMMON, _MIDDLE), (_MIDDLE, len(words)))
    made = []
    for number in range(count):
        sentence = _SENTENCES[number % len(_SENTENCES)]
        chosen = [words[rng.randrange(*rng.choice(ranks))] for _ in range(sentence.count("{}"))]
        made.append(sentence.format(*chosen))
    return made


def ask(path: str, count: int) -> Callable[[], dict[str, list[float]]]:
    """Ask every question and every letter once, after one other; measure milliseconds."""
    projection = Projection.open(path)
    asked = questions(count)

    def act() -> dict[str, list[float]]:
        taken: dict[str, list[float]] = {"questions": [], "letters": [], "near": []}
        projection.search("what is warming here?", limit=_LIMIT, context=1)
        for question in asked:
            began = perf_counter()
            found = projection.search(question, limit=_LIMIT, context=1)
            taken["questions"].append((perf_counter() - began) * 1000)
            taken["near"].append(bool(found.near))
        for letter in ascii_lowercase:
            began = perf_counter()
            projection.search(f"{letter}*", limit=_LIMIT, context=1)
            taken["letters"].append((perf_counter() - began) * 1000)
        return taken

    return act
