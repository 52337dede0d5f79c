"""What comes nearest to a question: messages with the rarest and the most of its words."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from heapq import nlargest
from itertools import combinations
from math import log
from typing import TYPE_CHECKING

import apsw

from journal.format.timestamps import to_datetime
from journal.process import clock
from projector.db.kinds import MESSAGE
from projector.db.tags import days as days_of
from projector.db.tags import of_session
from projector.search.prefixes import words_between
from projector.search.recall.dates import dates
from projector.search.recall.scoring import SESSION, Parts, Scores, register, session_score
from projector.search.recall.wanted import question_language, wanted

if TYPE_CHECKING:
    from collections.abc import Collection

    from projector.search.filters import Narrowing
    from projector.search.recall.dates import Dates
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
_COUNTED = 2_000
"""Most messages with a word that are counted in all these sessions."""
_SAMPLED = 64
"""Messages by whose lengths the length of a session is estimated."""
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
        missing: the words of the question that neither it nor its session has, as they were typed.
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
    """

    words: tuple[Word, ...]
    messages: tuple[Near, ...]


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
    present = tuple(word for word in words if word.forms)
    total: int = db.execute("SELECT coalesce(max(id), 0) FROM _events").get
    search = _Search(db, asked, present, total, when)
    scored = search.scored()
    return Nearest(words, tuple(search.near(words, scored)) if scored else ())


class _Search:
    def __init__(
        self,
        db: apsw.Connection,
        asked: Narrowing,
        words: tuple[Word, ...],
        total: int,
        when: Dates,
    ) -> None:
        self._db, self._asked, self._words, self._total = db, asked, words, total
        self._when = when
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
        if not rows:
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
        return (_OF_DAY if self._when.are_days else _DATED) * sum(self._weights)

    def _add_dated(self, has: dict[int, int]) -> set[int]:
        """Add messages with a word that are of the time that is asked about; return these."""
        days: dict[str, None] = {}
        for since, until in self._when.spans:
            days |= dict.fromkeys(words_between(self._db, *days_of(since, until), _DAYS + 1))
        if not 0 < len(days) <= _DAYS:
            return set()
        found: set[int] = set()
        for at, word in enumerate(self._words):
            rows = self._rows(f"{word.match}", f" AND (tags : ({' OR '.join(days)}))")
            found |= set(rows)
            for row in rows:
                has[row] |= 1 << at
        return found

    def _rows(self, match: str, tags: str = "") -> list[int]:
        """Return the newest messages that match, also the tags, and meet the conditions."""
        asked = self._asked
        joins = " JOIN _events e ON e.id = fts.rowid JOIN _sessions s ON s.id = e.session"
        query = (
            f"SELECT fts.rowid FROM fts{joins if asked.where else ''}"
            f" WHERE fts MATCH ?{asked.where} ORDER BY fts.rowid DESC LIMIT {_READ}"
        )
        found = self._db.execute(query, (f"({asked.match(match)}){tags}", *asked.values))
        return [int(row) for (row,) in found]

    def near(self, words: tuple[Word, ...], found: dict[int, Parts]) -> list[Near]:
        """Return the scored messages of the best sessions."""
        sessions, then = self._sessions(list(found))
        beside = self._beside(found)
        own = {
            row: parts.score(self._weights, [found[other] for other in beside[row]])
            + (self._dated if row in then else 0.0)
            for row, parts in found.items()
        }
        best: dict[int, float] = defaultdict(float)
        for row, score in own.items():
            best[sessions[row]] = max(best[sessions[row]], score)
        chosen = nlargest(_SESSIONS, best, key=lambda session: (best[session], session))
        counts = self._counts(chosen)
        added = self._session_scores(counts)
        missing = {
            session: _missing(words, messages, self._words) for session, messages in counts.items()
        }
        return [
            Near(row, score + SESSION * added[sessions[row]], missing[sessions[row]])
            for row, score in own.items()
            if sessions[row] in counts
        ]

    def _beside(self, rows: Collection[int]) -> dict[int, list[int]]:
        """Return for each message which of the others is directly before or after it."""
        query = (
            "SELECT e.id, (SELECT n.id FROM _events n WHERE n.session = e.session"
            f" AND n.kind = {MESSAGE} AND (n.order_time, n.order_depth, n.ord) >"
            " (e.order_time, e.order_depth, e.ord)"
            " ORDER BY n.order_time, n.order_depth, n.ord LIMIT 1)"
            " FROM _events e WHERE e.id IN (SELECT value FROM json_each(?))"
        )
        beside: dict[int, list[int]] = {row: [] for row in rows}
        for row, after in self._db.execute(query, (json.dumps(list(rows)),)):
            if after in beside:
                beside[row].append(after)
                beside[after].append(row)
        return beside

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

    def _counts(self, sessions: list[int]) -> dict[int, tuple[int, ...]]:
        """Return for each session how many of its messages have each word."""
        query = (
            "SELECT e.session, count(*) FROM (SELECT rowid FROM fts WHERE fts MATCH ?"
            f" ORDER BY rowid DESC LIMIT {_COUNTED}) f"
            " CROSS JOIN _events e ON e.id = f.rowid GROUP BY e.session"
        )
        tags = " OR ".join(map(of_session, sessions))
        found = [
            dict(self._db.execute(query, (f"(tags : ({tags})) AND (text : ({word.match}))",)))
            for word in self._words
        ]
        return {session: tuple(each.get(session, 0) for each in found) for session in sessions}

    def _session_scores(self, counts: dict[int, tuple[int, ...]]) -> dict[int, float]:
        query = (
            "SELECT id, indexed * (SELECT avg(octet_length(content)) FROM (SELECT content"
            f" FROM _events e WHERE e.session = s.id AND e.kind = {MESSAGE} LIMIT {_SAMPLED}))"
            " FROM _sessions s WHERE id IN (SELECT value FROM json_each(?))"
        )
        found = self._db.execute(query, (json.dumps(list(counts)),))
        sizes = {int(session): float(size or 1) for session, size in found}
        average = sum(sizes.values()) / max(len(sizes), 1)
        return {
            session: session_score(self._weights, messages, sizes[session], average)
            for session, messages in counts.items()
        }


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


def _missing(
    words: tuple[Word, ...], messages: tuple[int, ...], present: tuple[Word, ...]
) -> tuple[str, ...]:
    has = Counter({word.text: count for word, count in zip(present, messages, strict=True)})
    return tuple(word.text for word in words if not has[word.text])
