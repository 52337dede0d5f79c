"""The messages that match a query: their rowids and scores."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import apsw

from journal.process.fork import no_fork
from projector.db.tags import may_be_tag
from projector.search.conditions.narrowing import Narrowing
from projector.search.filters import narrowing
from projector.search.ordering.databases import Databases
from projector.search.prefixes import Prefixes
from projector.search.ranking import Corpus, Phrases, count_matches, read_size
from projector.search.texts import COLUMNS, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from projector.search.filters import Filters
    from projector.search.ordering.order import Scored, Sort
    from projector.search.prefixes import Widened
    from projector.search.texts import Candidate
    from projector.text.query import Query

RANKED = 5_000
"""Most matches that are ranked: the newest ones."""
_OF_PREFIXES = 0.6
"""Share of these for a query with a prefix: to count its words in a text takes twice as long."""
_OF_NARROWED = 0.6
"""Share of these for each filter of such a query: to find as many, the index is walked further
back, and each step asks all words of the prefix."""
TEXT_AND_KEYS = "{text keys}"
"""The columns of the index that are searched; a match in keys of arguments alone has no score."""
_SCANNED = 1_000
"""Most matches that are ranked where no word narrows a search down."""
_WEIGHED = 64
"""Phrases of a query whose weight is computed; the others get the weight of the last."""


_NONE = Narrowing((), None, (), "", (), replays=False)
"""Stands for conditions that no message of a database can meet."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Messages that match a query.

    Attributes:
        rows: rowids and scores.
        exact: whether these are all that match.
        total: how many match; if these are not all, there are so many at least.
        cut: after how many texts the time was over; None if all in question were read.
    """

    rows: list[Scored]
    exact: bool
    total: int
    cut: int | None = None

    def and_those(self, other: Matches, rows: list[Scored]) -> Matches:
        """Return these and those of another database, whose rows are named as given."""
        cut = self.cut if other.cut is None else (self.cut or 0) + other.cut
        exact = self.exact and other.exact
        return Matches([*self.rows, *rows], exact, self.total + other.total, cut)


def matches(
    db: apsw.Connection,
    query: Query,
    filters: Filters,
    *,
    sort: Sort,
    offset: int,
    seconds: float | None,
) -> Matches:
    """Return the messages that match: all, or the newest `RANKED` (the oldest, if so sorted).

    As `matches_in`, of a single database.
    """
    dbs = Databases.only(db)
    return matches_in(dbs, query, filters, sort=sort, offset=offset, seconds=seconds)


def matches_in(
    dbs: Databases,
    query: Query,
    filters: Filters,
    *,
    sort: Sort,
    offset: int,
    seconds: float | None,
) -> Matches:
    """Return the messages that match in several databases: of each the newest `RANKED`.

    How rare a word is, and how long texts are, is counted in all of them together: the scores are
    those of one database with all messages.

    Args:
        dbs: the projection.
        query: what is searched for.
        filters: which messages are searched.
        sort: the order in which they will be shown.
        offset: hits to skip: sorted by time, so many more are returned.
        seconds: how long texts may be read, if the index alone does not answer the query; None
            means as long as it takes.

    Raises:
        apsw.Error: the database refuses.
    """
    # by time nothing is ranked, so any page can be read
    most = RANKED if sort == "relevance" else RANKED + offset
    way = "ASC" if sort == "oldest" else "DESC"
    searches = [_Index.of(db, query, narrowing(db, filters) or _NONE, way) for db in dbs.all]
    if len(searches) > 1:
        corpus = Corpus.together([search.corpus() for search in searches])
        for search in searches:
            search.use(corpus)
    found = Matches([], exact=True, total=0)
    for n, search in enumerate(searches):
        if search.asked is not _NONE:
            part = _found(search, most, sort, offset, seconds)
            found = found.and_those(part, [(dbs.name(row, n), score) for row, score in part.rows])
    return found


def _found(index: _Index, most: int, sort: Sort, offset: int, seconds: float | None) -> Matches:
    """Return the messages of one database that match."""
    query, asked = index.query, index.asked
    cut = None
    if not query.reads:
        if sort == "relevance":
            most = round(most * _share(query, asked))
        found = index.found(most)
    else:
        # where no word narrows it down, the whole journal has matches
        most = min(most, _SCANNED + offset) if not query.match and seconds is not None else most
        texts = read(index.candidates(), query, most, seconds)
        found, cut = texts.rows, texts.cut
    more = len(found) > most
    del found[most:]
    if asked.replays:
        with no_fork.turn:
            from projector.search.ordering.replays import with_replays  # noqa: PLC0415 - few searches need it

        scores = dict(found)
        shown = with_replays(index.db, scores, asked)
        found = [(row, scores[home]) for row, home in shown.items()]
    return Matches(found, not more and cut is None, len(found) + more, cut)


def _share(query: Query, asked: Narrowing) -> float:
    """Return the share of `RANKED` that is found in about the time of a word without filters."""
    if not any(phrase.prefix for phrase in query.phrases):
        return 1.0
    return float(_OF_PREFIXES * _OF_NARROWED ** len(asked.tags))


def all_rows(db: apsw.Connection, query: Query, asked: Narrowing) -> list[int]:
    """Return the rowids of all messages that match, where they are at home; none is ranked.

    Raises:
        apsw.Error: the database refuses.
    """
    if not query.reads:
        match = asked.match(query.match, TEXT_AND_KEYS)
        found = db.execute("SELECT rowid FROM fts WHERE fts MATCH ? ORDER BY rowid", (match,))
        return [int(row) for (row,) in found]
    candidates = _Index(db, query, asked, "ASC", Prefixes(db)).candidates()
    return [row for row, _ in read(candidates, query, sys.maxsize, None).rows]


class _Index:
    """What the index finds of a query."""

    def __init__(
        self, db: apsw.Connection, query: Query, asked: Narrowing, way: str, prefixes: Prefixes
    ) -> None:
        self.db, self.query, self.asked, self._way = db, query, asked, way
        self._prefixes = prefixes
        # functools.cached_property has a lock in Python 3.11, with which a forked child would hang
        self._known: tuple[Widened, Phrases] | None = None
        self._corpus: Corpus | None = None

    @classmethod
    def of(cls, db: apsw.Connection, query: Query, asked: Narrowing, way: str) -> _Index:
        """Return what searches a database."""
        prefixes = Prefixes(db)
        return cls(db, prefixes.narrowed(query), asked, way, prefixes)

    def corpus(self) -> Corpus:
        """Return what the scores of this search depend on."""
        counts = self._counts(self._prefixes.widen(self.query)) if self.query.phrases else ()
        matching = dict(zip(self.query.phrases, counts, strict=True))
        return Corpus(*read_size(self.db), matching)

    def use(self, corpus: Corpus) -> None:
        """Compute scores with the numbers of several databases."""
        self._corpus = corpus

    def found(self, most: int) -> list[Scored]:
        """Return what it finds, one more than is ranked: that shows whether there are more."""
        found = self._scored(most, self._columns)
        keys_alone = [hit for hit in found if not hit[1]] if len(found) > most else ()
        if not keys_alone:
            return found
        # what has the words in keys of arguments alone must not take the place of texts
        return [*self._scored(most, "text"), *keys_alone][: most + 1]

    @property
    def _columns(self) -> str:
        """The columns of texts and keys; empty if the words are in no other one.

        Where columns are named, FTS5 copies the places of each word: a fifth of the time of a
        phrase.
        """
        words = (word for phrase in self.query.phrases for word in phrase.words)
        if any(map(may_be_tag, words)) or any(phrase.prefix for phrase in self.query.phrases):
            return TEXT_AND_KEYS
        return ""

    def _scored(self, most: int, columns: str) -> list[Scored]:
        parts = [
            self._statement(part, "", part.at_home, columns)
            for part in self.asked.parts or (self.asked,)
        ]
        # each part is in the order of rowids: SQLite merges them, and reads no more than it returns
        statement = " UNION ALL ".join(statement for statement, _ in parts)
        values = [value for _, values in parts for value in values]
        in_order = f"{statement} ORDER BY 1 {self._way} LIMIT ?"
        return self.db.execute(in_order, (*values, most + 1)).fetchall()  # type: ignore[return-value] # a score is a float

    def candidates(self) -> Iterable[Candidate]:
        """Return the messages whose texts are to be read."""
        if not self.query.match:
            return _every(self.db, self.asked, self._way)
        selected = f", {COLUMNS}"
        statement, values = self._statement(self.asked, selected, " AND true", TEXT_AND_KEYS)
        return self.db.execute(f"{statement} ORDER BY 1 {self._way}", values)

    def _statement(
        self, asked: Narrowing, selected: str, joined: str, columns: str
    ) -> tuple[str, tuple[Any, ...]]:
        """Return the statement that selects what the index finds: rowids first, with scores."""
        # a left join is left out where no condition asks for it
        joins = (
            " CROSS JOIN _events e ON e.id = fts.rowid LEFT JOIN _sessions s ON s.id = e.session"
        )
        statement = (
            f"SELECT fts.rowid, score(fts, d.sz, ?){selected} FROM fts"
            f" CROSS JOIN fts_docsize d ON d.id = fts.rowid{joins if joined else ''}"
            " WHERE fts MATCH ?"
        )
        wide, phrases = self._widened()
        match = asked.match(wide.match, columns)
        values: tuple[Any, ...] = (apsw.pyobject(replace(phrases, tags=asked.count)), match)
        if asked.between is not None:
            statement += " AND fts.rowid BETWEEN ? AND ?"
            values += asked.between
        statement += asked.at_home
        return statement, (*values, *(asked.values if asked.at_home else ()))

    def _widened(self) -> tuple[Widened, Phrases]:
        """Return the query with the words of its prefix, and what weighs its phrases."""
        if self._known is None:
            wide = self._prefixes.widen(self.query)
            corpus = self._corpus
            counts = self._counts(wide) if corpus is None else corpus.of(self.query.phrases)
            phrases = Phrases(counts, wide.at, wide.words, self.asked.count, corpus)
            self._known = wide, phrases
        return self._known

    def _counts(self, wide: Widened) -> tuple[float, ...]:
        """Return for each phrase how many texts have it."""
        phrases = self.query.phrases
        if len(phrases) == 1:
            return (0.0,)  # the weight of a single phrase changes no order
        found = []
        for at, phrase in enumerate(phrases[:_WEIGHED]):
            # to count a prefix would search all its words again: count some, or the bare word
            match = phrase.match().rstrip("*") if at != wide.at else wide.either
            found.append(count_matches(self.db, f"text : ({match})"))
        return (*found, *[found[-1]] * (len(phrases) - len(found)))


def _every(db: apsw.Connection, asked: Narrowing, way: str) -> Iterator[Candidate]:
    """Yield all messages that meet the conditions, where no word narrows them down."""
    tags, but = asked.match_tags(), asked.match_but()
    conditions = ["d.id = fts.rowid AND fts MATCH ?"] if tags else ["true"]
    if not tags and but:
        conditions.append("d.id NOT IN (SELECT rowid FROM fts WHERE fts MATCH ?)")
    joins = " CROSS JOIN _sessions s ON s.id = e.session" if asked.at_home else ""
    statement = (
        f"SELECT d.id, 0.0, {COLUMNS} FROM {'fts CROSS JOIN ' if tags else ''}fts_docsize d"
        f" CROSS JOIN _events e ON e.id = d.id{joins}"
        f" WHERE {' AND '.join(conditions)}{asked.at_home}"
        f" ORDER BY {'fts.rowid' if tags else 'd.id'} {way}"
    )
    values = [each for each in (tags or but,) if each]
    yield from db.execute(statement, (*values, *(asked.values if asked.at_home else ())))
