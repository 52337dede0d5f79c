"""Filters of a search: tags of the index, or conditions on rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from journal.process.fork import no_fork
from projector.db.tags import (
    OF_ERROR,
    OF_SUBAGENT,
    PERSON,
    SUBAGENT,
    any_of,
    of_file,
    of_machine,
    of_role,
    of_session,
    of_tool,
)
from projector.fold.facets import whole
from projector.search.conditions.narrowing import Narrowing
from projector.search.conditions.times import Condition, Time, time_of
from projector.views.fields import BRANCH, MODEL, PROJECT, SOURCE, Field, moved, repeated_by

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import apsw

    from projector.views.machines import Origin


@dataclass(frozen=True, slots=True)
class Filters:
    """Which messages are searched; None means all.

    Attributes:
        session: id of the session.
        since: microseconds since 1970, inclusive.
        until: microseconds since 1970, exclusive.
        roles: the role of the message is one of these; `user` is what people wrote.
        include_meta: `user` is also what machines wrote in the place of people.
        sources: the source of the message, else of its session, is one of these.
        but_sources: it is none of these.
        include_replays: replays are found, too, and not only the message where it is at home.
        project: the working directory of its session, or the last part of that.
        model: the model of the message, else of its session.
        branch: the git branch of the message, else of its session.
        tool: it calls this tool, or has the result of it.
        file: one of its calls names this file: its path, or the last parts of it.
        errors: it reports an error.
        machine: its event is in a lane of this machine.
        subagents: messages of sub-agents are searched, too.
    """

    session: str | None = None
    since: int | None = None
    until: int | None = None
    roles: tuple[str, ...] | None = None
    include_meta: bool = False
    sources: tuple[str, ...] | None = None
    but_sources: tuple[str, ...] | None = None
    include_replays: bool = False
    project: str | None = None
    model: str | None = None
    branch: str | None = None
    tool: str | None = None
    file: str | None = None
    errors: bool = False
    machine: Origin | None = None
    subagents: bool = True


NO_SUBAGENT: Condition = ("s.relation IS NOT ?", (SUBAGENT,))
"""The condition that a message is not of a sub-agent."""
_NAMED = """e.id IN (SELECT rowid FROM fts WHERE fts MATCH ?
  UNION SELECT y.event FROM fts JOIN _shared x ON x.event = fts.rowid
    JOIN _shared y ON y.line = x.line AND y.words = x.words WHERE fts MATCH ?)"""
"""The condition that a message, or what it is a replay of, is found by a match."""


def narrowing(db: apsw.Connection, filters: Filters) -> Narrowing | None:
    """Return the conditions of filters; None if no message can meet them.

    Raises:
        apsw.Error: the database refuses.
    """
    found = conditions(db, filters)
    return None if found is None else found.narrowing()


def conditions(db: apsw.Connection, filters: Filters) -> Conditions | None:
    """Return the conditions of filters, to which others can be added; None as for `narrowing`.

    Raises:
        apsw.Error: the database refuses.
    """
    found = Conditions(db, replays=filters.include_replays)
    if filters.session is not None:
        number = db.execute("SELECT id FROM _sessions WHERE session = ?", (filters.session,)).get
        if number is None:
            return None
        found.add_session(number)
    if filters.roles is not None:
        found.tags.append(_of_roles(filters.roles, include_meta=filters.include_meta))
    if filters.but_sources is not None:
        none_of = f"coalesce({SOURCE.of_message}, '') NOT {_in(filters.but_sources)}"
        found.implied = False
        found.rows.append((none_of, filters.but_sources))
    for field, wanted in _wanted(db, filters):
        found.add_field(field, wanted)
    found.tags += _touched(filters)
    if filters.file is not None:
        found.add_file(filters.file)
    if filters.machine is not None:
        found.add_machine(filters.machine)
    if not filters.subagents:
        found.leave_out_subagents()
    found.add_time(filters.since, filters.until)
    return None if "" in found.tags else found


def _wanted(db: apsw.Connection, filters: Filters) -> Iterator[tuple[Field, tuple[str, ...]]]:
    """Yield the fields that are filtered by, and the values that are wanted."""
    if filters.sources is not None:
        yield SOURCE, filters.sources
    names = ((PROJECT, filters.project), (BRANCH, filters.branch), (MODEL, filters.model))
    for field, name in names:
        if name is not None:
            yield field, field.named(db, name)


def _touched(filters: Filters) -> Iterator[str]:
    """Yield the tags of messages about a tool or an error."""
    if filters.tool is not None:
        yield of_tool(filters.tool)
    if filters.errors:
        yield OF_ERROR


class Conditions:
    """Collects the conditions of filters.

    Attributes:
        tags, but: expressions as in `Narrowing`; no message has the tags of an empty one.
        rows: conditions in SQL, each with its bound values.
        is_counted: whether each message has one match for each expression of `tags`.
        implied: as of `Narrowing`, so far.
    """

    def __init__(self, db: apsw.Connection, *, replays: bool) -> None:
        self._db = db
        self._replays = replays
        self.tags: list[str] = []
        self.but: list[str] = []
        self.rows: list[Condition] = []
        self.is_counted = True
        self.implied = replays
        self._time: Time | None = None

    def copy(self) -> Conditions:
        """Return equal conditions; what is added to them is not added to these."""
        other = Conditions(self._db, replays=self._replays)
        other.tags, other.but, other.rows = [*self.tags], [*self.but], [*self.rows]
        other.is_counted, other.implied = self.is_counted, self.implied
        other._time = self._time
        return other

    def narrowing(self) -> Narrowing:
        """Return what a query needs of them."""
        time = self._time
        if time is None:
            return self._with([], [])
        whole = self._with([time.tags] if time.tags else [], time.rows)
        if not time.inside:
            return whole
        inside, edges = self._with([time.inside], ()), self._with([time.edges], time.rows)
        if time.plain is None:
            return replace(whole, parts=(inside, edges))
        first, _ = time.plain
        plain = replace(self._with([], ()), between=time.plain)
        return replace(whole, parts=(plain, replace(inside, between=(0, first - 1)), edges))

    def _with(self, tags: Iterable[str], rows: Iterable[Condition]) -> Narrowing:
        tags, rows = (*self.tags, *tags), (*self.rows, *rows)
        where = "".join(f" AND {text}" for text, _ in rows)
        values = tuple(value for _, values in rows for value in values)
        count = len(tags) if self.is_counted else None
        implied = self.implied and self._time is None
        return Narrowing(tags, count, tuple(self.but), where, values, self._replays, implied)

    def add_session(self, number: int) -> None:
        """Add that a message is of the session with this rowid."""
        if not self._replays:
            self.tags.append(of_session(number))
            return
        query = "SELECT DISTINCT home FROM _shared WHERE session = ? AND home > 0"
        homes = [int(home) for (home,) in self._db.execute(query, (number,))]
        self.tags.append(any_of(of_session(each) for each in (number, *homes)))
        self.implied = False
        self.rows.append(("e.session = ?", (number,)))

    def add_field(self, field: Field, wanted: tuple[str, ...]) -> None:
        """Add that a message has one of these values, of its own or of its session."""
        on_rows = f"{field.of_message} {_in(wanted)}", wanted
        if self._replays:  # a replay may have another value than the message
            self.rows.append(on_rows)
            self.implied &= field is PROJECT and self._add_repeated(wanted)
            return
        tags, is_exact = self._tags_of(field, wanted)
        if tags:
            self.tags.append(tags)
        if not is_exact:
            self.is_counted = False  # a message can have the value, and be of a moved session
            self.rows.append(on_rows)

    def _add_repeated(self, projects: tuple[str, ...]) -> bool:
        """Add that a message is of these projects, or of a session that one of these repeats.

        Returns:
            Whether it is of these projects where it is at home.
        """
        tags, is_exact = self._tags_of(PROJECT, projects)
        sessions = repeated_by(self._db, projects) if tags else None
        if sessions is None:
            return False
        is_exact &= not sessions
        self.is_counted &= is_exact
        self.tags.append(any_of([tags, *map(of_session, sessions)]))
        return is_exact

    def _tags_of(self, field: Field, wanted: tuple[str, ...]) -> tuple[str, bool]:
        """Return what matches the tags of these values, and whether it matches nothing else.

        It is empty if the tags of too many sessions would have to match.
        """
        sessions = moved(self._db, field.column, wanted)
        if sessions is None:
            return "", False
        now = (of_session(row) for row, is_in in sessions if is_in)
        return any_of([*map(field.tag, wanted), *now]), not sessions

    def add_file(self, path: str) -> None:
        """Add that a call names a file."""
        with no_fork.turn:
            from projector.views.files import ending_tags, relative  # noqa: PLC0415 - few searches need it

        self.is_counted = False  # a call can name several files that end so
        if not path.startswith("/"):
            self.tags.append(any_of(ending_tags(self._db, path)))
            return
        # a call may name it as it is seen from the working directory of its session
        whole_path, folders = of_file(whole(path)), [*relative(path)]
        inside, are_exact = [], True
        for cwd, name in folders:
            tags, is_exact = self._tags_of(PROJECT, (cwd,))
            are_exact &= is_exact
            inside.append(f"({of_file(whole(name))}{f' AND ({tags})' if tags else ''})")
        self.tags.append(any_of([whole_path, *inside]))
        if not are_exact:
            among = f"{PROJECT.of_message} {_in(folders)}"
            named = f"tags : {whole_path}"
            self.implied = False
            self.rows.append(
                (f"({among} OR {_NAMED})", (*(cwd for cwd, _ in folders), named, named))
            )

    def add_machine(self, origin: Origin) -> None:
        """Add that the event of a message is in a lane of a machine."""
        lanes = origin.lanes(self._db)
        self.rows.append((f"e.lane_row {_in(lanes)}", lanes))

    def leave_out_subagents(self) -> None:
        """Add that a message is not of a sub-agent."""
        if self._replays:
            self.implied = False
            self.rows.append(NO_SUBAGENT)
            return
        sessions = moved(self._db, "relation", (SUBAGENT,))
        if sessions is None or sessions:
            self.rows.append(NO_SUBAGENT)
        if sessions is None:
            return
        none = [of_session(row) for row, is_in in sessions if not is_in]
        self.but.append(f"{OF_SUBAGENT} NOT ({any_of(none)})" if none else OF_SUBAGENT)

    def add_time(self, since: int | None, until: int | None) -> None:
        """Add that a message is of a time."""
        self._time = time_of(self._db, since, until, tagged=not self._replays)


def _of_roles(roles: tuple[str, ...], *, include_meta: bool) -> str:
    """Return what matches the tags of messages of one of these roles."""
    machine = [of_machine(PERSON)] if include_meta and PERSON in roles else []
    return any_of([*map(of_role, roles), *machine])


def _in(names: Collection[object]) -> str:
    return f"IN ({', '.join('?' * len(names))})"
