"""The texts that are written and searched: made up, and equal for one seed on every machine.

Word frequencies follow Zipf's law with Mandelbrot's offset (rank r has a share in proportion to 1 /
(r + 2.7) ** 1.07), as in running text. Some words are identifiers, file names, numbers and
punctuation as agents write them; one message in twenty is Chinese or Japanese, and one in four has
a name that no other message has, such as a commit or a job.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import log
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WORDS = 40_000
"""The number of different words."""
_CJK_WORDS = 2_000
_ONSETS = (*"bcdfghjklmnprstvw", "br", "cl", "dr", "fl", "gr", "pl", "pr", "sh", "st", "th", "tr")
_VOWELS = (*"aeiou", "ai", "ea", "ou")
_CODAS = ("", "", "", "n", "r", "s", "t", "l", "nd", "st", "ck")
_CJK_CHARACTERS = (0x4E00, 3_000)
_SPREAD = 0.9
"""Sigma of the lengths, which are distributed lognormally: many short, few long."""
_LONGEST = 4_000
"""The maximum number of words of a message."""
_EACH = 7.4
"""Bytes of a drawn word with its blank, on average; a test checks this."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words, sorted by frequency.

    Attributes:
        words: plain words and identifiers, the most common first.
        cjk: words of two or three characters, the most common first.
    """

    words: tuple[str, ...]
    cjk: tuple[str, ...]


def vocabulary(seed: int = 1) -> Vocabulary:
    """Make up the words: common ones are short, and one in eight of the rarer is an identifier."""
    rng = Random(seed)
    plain: dict[str, None] = {}
    while len(plain) < WORDS:
        syllables = 1 + (len(plain) > 150) + (len(plain) > 4_000) + (rng.random() < 0.1)  # noqa: PLR2004 - ranks
        plain[_word(rng, syllables)] = None
    words = list(plain)
    for rank in range(300, WORDS, 8):
        words[rank] = _identifier(rng, words[rank], words[rng.randrange(300)])
    first, count = _CJK_CHARACTERS
    cjk: dict[str, None] = {}
    while len(cjk) < _CJK_WORDS:
        # characters have frequencies as uneven as those of words
        length = 2 + (rng.random() < 0.2)  # noqa: PLR2004 - a share
        cjk["".join(chr(first + int(count * rng.random() ** 3)) for _ in range(length))] = None
    return Vocabulary(tuple(dict.fromkeys(words)), tuple(cjk))


def _word(rng: Random, syllables: int) -> str:
    pieces = (rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(syllables))
    return "".join(pieces) + rng.choice(_CODAS)


def _identifier(rng: Random, word: str, other: str) -> str:
    forms = (
        f"{other}_{word}",
        f"{other.title()}{word.title()}",
        f"src/{other}/{word}.py",
        f"{other}.{word}()",
        f"--{word}",
    )
    return rng.choice(forms)


def shares(count: int) -> list[float]:
    """Return the relative frequencies of this many words, the most common first; the sum is 1."""
    weights = [(rank + 2.7) ** -1.07 for rank in range(count)]
    total = sum(weights)
    return [weight / total for weight in weights]


def _table(words: Sequence[str], size: int) -> list[str]:
    """Return a list of `size` in which each word occurs in proportion to its frequency."""
    table: list[str] = []
    for word, upto in zip(words, accumulate(shares(len(words))), strict=True):
        table += [word] * (round(upto * size) - len(table))
    return table + [words[-1]] * (size - len(table))


@dataclass(frozen=True)
class Texts:
    """Texts of about `mean` bytes each, made from a vocabulary.

    Attributes:
        mean: bytes of a text on average, as UTF-8.
        seed: other texts for another seed.
        bits: words are drawn from a table of 2 ** bits entries, in which each occurs in proportion
            to its frequency; with few bits, rare words do not occur.
    """

    mean: int = 580
    seed: int = 1
    bits: int = 20

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words that the texts consist of."""
        return vocabulary()

    @cached_property
    def _words(self) -> list[str]:
        rng = Random(0)
        marks = (".", ",", ".\n", ":", ";", "?")
        # punctuation is no part of a word in any index, and costs nothing
        table = _table(self.vocabulary.words, 1 << self.bits)
        return [word + rng.choice(marks) if rng.random() < 0.1 else word for word in table]  # noqa: PLR2004 - a share

    @cached_property
    def _cjk(self) -> list[str]:
        return _table(self.vocabulary.cjk, 1 << 16)

    def batches(self, count: int, size: int = 1_000) -> Iterator[list[str]]:
        """Yield `count` texts in lists of at most `size`; a batch depends only on its number."""
        for number, start in enumerate(range(0, count, size)):
            rng = Random(f"{self.seed}/{number}")
            amount = min(size, count - start)
            yield [self._text(rng, start + index) for index in range(amount)]

    def take(self, count: int) -> list[str]:
        """Return the first `count` texts."""
        return [text for batch in self.batches(count) for text in batch]

    def _text(self, rng: Random, number: int) -> str:
        mu = log(self.mean / _EACH) - _SPREAD**2 / 2
        length = min(max(int(rng.lognormvariate(mu, _SPREAD)), 3), _LONGEST)
        kind = rng.random()
        if kind < 0.05:  # noqa: PLR2004 - a share
            return self._cjk_text(rng, length)
        draws = array("I", rng.randbytes(4 * length))
        table = self._words
        shift = 32 - self.bits
        words = [table[draw >> shift] for draw in draws]
        if kind > 0.75:  # noqa: PLR2004 - a share
            words[length // 2] = f"commit-{number:x}{rng.randrange(16**6):06x}"
        return " ".join(words)

    def _cjk_text(self, rng: Random, length: int) -> str:
        table = self._cjk
        draws = array("H", rng.randbytes(2 * length))
        clauses, at = [], 0
        while at < length:
            clause = 3 + rng.randrange(6)
            clauses.append("".join(table[draw] for draw in draws[at : at + clause]))
            at += clause
        # texts of agents are mixed: put a name in Latin script into the middle
        clauses.insert(len(clauses) // 2, rng.choice(self.vocabulary.words[300:2_000]))
        return "\uff0c".join(clauses) + "\u3002"
