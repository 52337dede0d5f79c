"""What comes nearest to a question: messages with the rarest and the most of its words."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from heapq import nlargest
from itertools import combinations
from math import log
from typing import TYPE_CHECKING

import apsw

from journal.format.timestamps import to_datetime
from journal.process import clock
from projector.db.tags import days as days_of
from projector.db.tags import narrowed
from projector.search.ordering.titles import first_messages, with_words
from projector.search.prefixes import words_between
from projector.search.recall.dates import dates
from projector.search.recall.grammar import is_grammar
from projector.search.recall.held import holding, is_held
from projector.search.recall.lacking import Identifier, missing, parts
from projector.search.recall.scoring import SESSION, Parts, Scores, register
from projector.search.recall.sessions import counted, session_scores, side_by_side
from projector.search.recall.wanted import Vocabulary, question_language, wanted
from projector.text.normalize import is_cjk

if TYPE_CHECKING:
    from projector.search.conditions.narrowing import Narrowing
    from projector.search.recall.dates import Dates
    from projector.search.recall.lacking import Part
    from projector.search.recall.wanted import Word
    from projector.text.query import Query

_READ = 2_500
"""Most messages with a word that are looked at: the newest ones."""
_SCORED = 200
"""Most messages that are scored."""
_TEXTS = 24
"""Of these, how many are scored by where the words are in them."""
_SESSIONS = 20
"""Most sessions that are scored."""
_DATED, _OF_DAY = 0.4, 0.8
"""What a date is worth, and one that is a day, as a share of the weights of all words."""
_DAYS = 1_000
"""Most days of a date that are looked for by their tags."""
_RAREST = 3
"""How many of the words with more than `_READ` messages are looked for in pairs."""


@dataclass(frozen=True, slots=True)
class Near:
    """A message that comes near to a question.

    Attributes:
        row: its rowid.
        score: larger is better; comparable within one answer.
        missing: the parts of the question that its session lacks, as they were typed.
    """

    row: int
    score: float
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nearest:
    """What comes nearest to a question.

    Attributes:
        words: what the question is about.
        messages: the messages, in no order.
        missing: the parts of the question that no message and no title has, as they were typed.
    """

    words: tuple[Word, ...]
    messages: tuple[Near, ...]
    missing: tuple[str, ...]


def nearest(db: apsw.Connection, query: Query, asked: Narrowing) -> Nearest:
    """Return the messages that come nearest to a question.

    Args:
        db: the projection.
        query: the question.
        asked: the conditions that a message must meet.

    Raises:
        apsw.Error: the database refuses.
    """
    register(db)
    language = question_language(query)
    asked_at = to_datetime(clock.wall()).astimezone()
    when = dates(query.text, language, asked_at)
    words = wanted(db, query, language, when.typed)
    asked_parts = parts(query, words, language, when.words)
    present = tuple(word for word in words if word.forms)
    total: int = db.execute("SELECT coalesce(max(id), 0) FROM _events").get
    alone = bool(when.spans) and all(
        word.key in when.words or is_grammar(word.key, language) for word in words
    )
    search = _Search(db, asked, present, total, when, is_date=alone)
    near = tuple(search.near(asked_parts, search.scored()))
    return Nearest(words, near, _never_said(db, words, asked_parts))


def _never_said(
    db: apsw.Connection, words: tuple[Word, ...], asked: tuple[Part, ...]
) -> tuple[str, ...]:
    """Return the parts of a question that no message and no title has."""
    known = {word.key for word in words if word.forms and not word.instead}
    cjk = {key for key in known if is_cjk(key)}
    known -= cjk - Vocabulary(db).present(cjk)
    return missing(asked, known.__contains__, lambda term: is_held(db, term))


class _Search:
    def __init__(
        self,
        db: apsw.Connection,
        asked: Narrowing,
        words: tuple[Word, ...],
        total: int,
        when: Dates,
        *,
        is_date: bool,
    ) -> None:
        self._db, self._asked, self._words, self._total = db, asked, words, total
        self._when, self._is_date = when, is_date
        self._titles: dict[int, int] = {}
        self._weights: list[float] = []

    def scored(self) -> dict[int, Parts]:
        """Return what the messages with the rarest and the most words have of the question."""
        has: dict[int, int] = defaultdict(int)
        common: list[tuple[float, int]] = []
        for at, word in enumerate(self._words):
            rows = self._rows(word.match)
            weight = _rarity(_estimate(rows, self._total), self._total)
            self._weights.append(weight)
            for row in rows:
                has[row] |= 1 << at
            if len(rows) == _READ:
                common.append((weight, at))
        self._add_pairs(has, common)
        then = self._add_dated(has)
        dated = self._dated
        once = {bits: self._once(bits) for bits in set(has.values())}
        sums = {bits: parts.score(self._weights, ()) for bits, parts in once.items()}
        best = nlargest(
            _SCORED,
            ((sums[bits] + dated if row in then else sums[bits], row) for row, bits in has.items()),
        )
        found = {row: once[has[row]] for _, row in best}
        return found | self._read([row for _, row in best[:_TEXTS]])

    def _once(self, bits: int) -> Parts:
        """Return what a message of usual length has that has each of these words once."""
        words = (weight * (bits >> at & 1) for at, weight in enumerate(self._weights))
        return Parts(tuple(words), 0.0)

    def _read(self, rows: list[int]) -> dict[int, Parts]:
        """Return what these messages have of the question, by their places in the index."""
        if not rows or not self._words:
            return {}
        scores = Scores(self._weights, [len(word.forms) for word in self._words])
        match = " OR ".join(f"({word.match})" for word in self._words)
        query = (
            "SELECT recall(fts, ?) FROM fts WHERE fts MATCH ?"
            " AND rowid IN (SELECT value FROM json_each(?))"
        )
        given = (apsw.pyobject(scores), f"text : ({match})", json.dumps(rows))
        self._db.execute(query, given).fetchall()
        return scores.found

    def _add_pairs(self, has: dict[int, int], common: list[tuple[float, int]]) -> None:
        """Add messages with two common words: the newest with one of them may not have both."""
        rarest = [at for _, at in nlargest(_RAREST, common)]
        for first, second in combinations(rarest, 2):
            both = f"({self._words[first].match}) AND ({self._words[second].match})"
            for row in self._rows(both):
                has[row] |= 1 << first | 1 << second

    @property
    def _dated(self) -> float:
        """What a message of the time that is asked about gets for that."""
        share = _OF_DAY if self._when.are_days else _DATED
        return share * (sum(self._weights) or 1.0)

    def _add_dated(self, has: dict[int, int]) -> set[int]:
        """Add messages with a word that are of the time that is asked about; return these.

        If the question is a date alone, they need no word.
        """
        days: dict[str, None] = {}
        for since, until in self._when.spans:
            days |= dict.fromkeys(words_between(self._db, *days_of(since, until), _DAYS + 1))
        if not 0 < len(days) <= _DAYS:
            return set()
        tags = " OR ".join(days)
        found: set[int] = set()
        for at, word in enumerate(self._words):
            rows = self._rows(word.match, tags)
            found |= set(rows)
            for row in rows:
                has[row] |= 1 << at
        if self._is_date:
            rows = self._rows("", tags)
            found |= set(rows)
            for row in rows:
                has[row] |= 0
        return found

    def _rows(self, match: str, *tags: str) -> list[int]:
        """Return the newest messages that match (any, if it is empty), also tags and filters."""
        asked = self._asked
        joins = " JOIN _events e ON e.id = fts.rowid JOIN _sessions s ON s.id = e.session"
        query = (
            f"SELECT fts.rowid FROM fts{joins if asked.where else ''}"
            f" WHERE fts MATCH ?{asked.where} ORDER BY fts.rowid DESC LIMIT {_READ}"
        )
        given = narrowed(match and f"text : ({match})", (*asked.tags, *tags), asked.but)
        found = self._db.execute(query, (given, *asked.values))
        return [int(row) for (row,) in found]

    def near(self, asked: tuple[Part, ...], found: dict[int, Parts]) -> list[Near]:
        """Return the scored messages of the best sessions."""
        found |= self._titled(set(self._sessions(list(found))[0].values()))
        sessions, then = self._sessions(list(found))
        if not found:
            return []
        beside = side_by_side(self._db, found)
        titles = {
            session: self._once(self._titles.get(session, 0)) for session in sessions.values()
        }
        own = {
            row: parts.score(
                self._weights, [*(found[other] for other in beside[row]), titles[sessions[row]]]
            )
            + (self._dated if row in then else 0.0)
            for row, parts in found.items()
        }
        best: dict[int, float] = defaultdict(float)
        for row, score in own.items():
            best[sessions[row]] = max(best[sessions[row]], score)
        chosen = nlargest(_SESSIONS, best, key=lambda session: (best[session], session))
        counts = counted(self._db, self._words, chosen, self._titles)
        added = session_scores(self._db, self._weights, counts)
        lacks = self._lacks(asked, counts)
        return [
            Near(row, score + SESSION * added[sessions[row]], lacks[sessions[row]])
            for row, score in own.items()
            if sessions[row] in counts
        ]

    def _titled(self, known: set[int]) -> dict[int, Parts]:
        """Return the first messages of other sessions whose titles have the most words."""
        self._titles = with_words(self._db, [word.match for word in self._words])
        sums = {bits: sum(self._once(bits).words) for bits in set(self._titles.values())}
        best = nlargest(
            _SESSIONS,
            self._titles.keys() - known,
            key=lambda session: (sums[self._titles[session]], session),
        )
        return dict.fromkeys(first_messages(self._db, best, self._asked).values(), self._once(0))

    def _sessions(self, rows: list[int]) -> tuple[dict[int, int], set[int]]:
        """Return the sessions of messages, and which of these are of the time asked about."""
        query = (
            "SELECT id, session, coalesce(timestamp, time) FROM _events"
            " WHERE id IN (SELECT value FROM json_each(?))"
        )
        sessions: dict[int, int] = {}
        then: set[int] = set()
        for row, session, time in self._db.execute(query, (json.dumps(rows),)):
            sessions[row] = session
            if self._when.has(time):
                then.add(row)
        return sessions, then

    def _lacks(
        self, asked: tuple[Part, ...], counts: dict[int, tuple[int, ...]]
    ) -> dict[int, tuple[str, ...]]:
        """Return for each session the parts of the question that it lacks."""
        terms = [part.term for part in asked if isinstance(part, Identifier)]
        holds = {term: holding(self._db, term, counts) for term in terms}
        lacks = {}
        for session, messages in counts.items():
            has = {word.key for word, count in zip(self._words, messages, strict=True) if count}
            held = {term for term in terms if session in holds[term]}
            lacks[session] = missing(asked, has.__contains__, held.__contains__)
        return lacks


def _estimate(rows: list[int], total: int) -> float:
    """Return how many messages match, by the newest that do."""
    if len(rows) < _READ:
        return float(len(rows))
    return len(rows) * total / (total - rows[-1] + 1)


def _rarity(matches: float, total: int) -> float:
    """Return the weight of a word; it is positive, however many messages have it.

    That of `projector.search.ranking` is the same for all words that at least half of the messages
    have: a question of such words would have no order. Here a rarer word always weighs more.
    """
    return log(1 + max(total - matches + 0.5, 0.5) / (matches + 0.5))
