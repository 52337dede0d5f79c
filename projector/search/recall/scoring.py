"""The score of a message, and of its session, for a question.

A message has bm25 with short saturation: how often a word is repeated says little. A message with
more of the words is worth more than one with some of them again and again, and one in which words
of the question follow each other closely, in their order, is worth more still. The words of a
question are often spread over several messages of a session, so a session has a score of its own.

Sources: Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, for bm25; Metzler
and Croft, "A Markov Random Field Model for Term Dependencies", 2005, for the weight of words that
follow each other. The constants were chosen on questions about long dialogues: see
`docs/search.md`.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

_K1, _B = 0.6, 0.5
_SESSION_K1, _SESSION_B = 1.2, 0.75
_COVERAGE = 0.5
"""The share of a message's score that depends on how much of the question it has."""
_FOLLOWING = 0.2
"""What two words that follow each other add, as a share of their weights."""
_GAP = 4
"""Most words from one word to the next that follows it."""
_BESIDE = 0.4
"""What a word of the message before or after counts."""
SESSION = 0.7
"""How much the score of a session counts beside that of its best message."""
_TEXT = 0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a message has of a question.

    Attributes:
        words: for each word what it adds to the score; 0 if it is not there.
        following: what words that follow each other add.
    """

    words: tuple[float, ...]
    following: float

    def score(self, weights: Sequence[float], beside: Sequence[Parts]) -> float:
        """Return the score of the message.

        Args:
            weights: of the words.
            beside: the messages directly before and after it, and the title of its session. Their
                words count a part: an answer does not repeat the words of its question.
        """
        score = covered = 0.0
        for at, (weight, own) in enumerate(zip(weights, self.words, strict=True)):
            added = max(own, *(_BESIDE * other.words[at] for other in beside), 0.0)
            score += added
            covered += weight if added else 0.0
        share = covered / (sum(weights) or 1.0)
        return score * (1 - _COVERAGE + _COVERAGE * share) + self.following


@dataclass(slots=True)
class Scores:
    """The words of a question, and what the messages that are read have of them.

    Attributes:
        weights: for each word of the match how rare it is.
        phrases: for each word how many phrases of the match are forms of it.
        found: the messages that were read, by their rowids.
    """

    weights: Sequence[float]
    phrases: Sequence[int]
    found: dict[int, Parts] = field(default_factory=dict)


def register(db: apsw.Connection) -> None:
    """Register `recall(fts, scores)` on a connection: it reads a row for `Scores`."""
    db.register_fts5_function("recall", _recall)


def _recall(api: apsw.FTS5ExtensionApi, *given: apsw.SQLiteValue) -> None:
    (scores,) = cast("tuple[Scores]", given)
    total = api.column_total_size(_TEXT)
    average = total / api.row_count if total else 1.0
    norm = _K1 * (1 - _B + _B * api.column_size(_TEXT) / average)
    words: list[float] = []
    following = before_weight = 0.0
    before: list[int] = []
    phrase = 0
    for weight, count in zip(scores.weights, scores.phrases, strict=True):
        places = [
            place
            for each in range(phrase, phrase + count)
            for place in api.phrase_column_offsets(each, _TEXT)
        ]
        phrase += count
        places.sort()
        words.append(weight * len(places) * (_K1 + 1) / (len(places) + norm))
        if _follow(before, places):
            following += _FOLLOWING * (weight + before_weight)
        before, before_weight = places, weight
    scores.found[api.rowid] = Parts(tuple(words), following)


def _follow(first: Sequence[int], second: Sequence[int]) -> bool:
    """Return whether one of the places of a word is shortly before one of the next."""
    for place in first:
        at = bisect_right(second, place)
        if at < len(second) and second[at] - place <= _GAP:
            return True
    return False


def session_score(
    weights: Sequence[float], messages: Sequence[int], size: float, average: float
) -> float:
    """Return the score of a session.

    Args:
        weights: of the words.
        messages: how many of its messages have each word.
        size: how long it is.
        average: how long a session is.
    """
    norm = _SESSION_K1 * (1 - _SESSION_B + _SESSION_B * size / average)
    return sum(
        weight * count * (_SESSION_K1 + 1) / (count + norm)
        for weight, count in zip(weights, messages, strict=True)
    )
