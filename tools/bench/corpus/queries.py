"""The queries of the search figures: two hundred, a share of each kind, fixed for one corpus."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tools.bench.corpus.words import Vocabulary

KINDS = {
    "commonest words": 30,
    "rare words": 40,
    "two words": 20,
    "phrases": 25,
    "prefixes": 20,
    "OR": 20,
    "CJK": 20,
    "filters": 25,
}
"""The number of queries of each kind, of 200."""
_COMMONEST = 60
"""The words up to this rank count as the most common ones."""
_RARE = 20_000
"""The rank from which a word counts as rare."""
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Query:
    """A query.

    Attributes:
        kind: one of `KINDS`.
        text: the query text, in a form that every program accepts.
        role, source: filters; None means all.
    """

    kind: str
    text: str
    role: str | None = None
    source: str | None = None


def queries(words: Vocabulary, texts: Sequence[str], count: int = 200) -> list[Query]:
    """Make queries of all kinds, shuffled.

    Args:
        words: the vocabulary of the corpus.
        texts: some of its texts, which phrases are chosen from.
        count: the number of queries; every kind has its share.
    """
    rng = Random(7)
    plain = [word for word in words.words if _WORD.fullmatch(word)]
    common, rare = plain[:_COMMONEST], [w for w in words.words[_RARE:] if _WORD.fullmatch(w)]
    middle = plain[_COMMONEST:5_000]
    latin = [text for text in texts if text.isascii()]
    cjk = [text for text in texts if not text.isascii()]
    make: dict[str, Callable[[], Query]] = {
        "commonest words": lambda: Query("commonest words", rng.choice(common)),
        "rare words": lambda: Query("rare words", rng.choice(rare)),
        "two words": lambda: Query("two words", f"{rng.choice(common)} {rng.choice(middle)}"),
        "phrases": lambda: Query("phrases", f'"{_phrase(rng, latin)}"'),
        "prefixes": lambda: Query("prefixes", rng.choice(middle)[: rng.choice((3, 4))] + "*"),
        "OR": lambda: Query("OR", " OR ".join(rng.sample(middle, 2) + rng.sample(common, 1))),
        "CJK": lambda: Query("CJK", _run(rng, cjk)),
        "filters": lambda: _filtered(rng, common, middle),
    }
    share = count / sum(KINDS.values())
    made = [make[kind]() for kind, amount in KINDS.items() for _ in range(round(amount * share))]
    rng.shuffle(made)
    return made


def _phrase(rng: Random, texts: Sequence[str]) -> str:
    while True:
        words = rng.choice(texts).split()
        start = rng.randrange(len(words))
        phrase = words[start : start + rng.choice((2, 3))]
        if len(phrase) > 1 and all(_WORD.fullmatch(word) for word in phrase):
            return " ".join(phrase)


def _run(rng: Random, texts: Sequence[str]) -> str:
    """Return two to four adjacent characters of some text."""
    while True:
        text = rng.choice(texts)
        start = rng.randrange(len(text))
        run = text[start : start + rng.choice((2, 2, 3, 4))]
        if len(run) > 1 and run.isalpha() and not any(map(str.isascii, run)):
            return run


def _filtered(rng: Random, common: Sequence[str], middle: Sequence[str]) -> Query:
    word = rng.choice(common if rng.random() < 0.5 else middle)  # noqa: PLR2004 - every other
    if rng.random() < 0.5:  # noqa: PLR2004 - every other
        return Query("filters", word, role=rng.choice(("user", "assistant", "tool")))
    return Query("filters", word, source=rng.choice(("cli", "telegram", "web", "cron")))
