"""The meaning of a set of records, computed from the format without a database."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.event import Event
from journal.format.event_types import EVENT_TYPES, MESSAGE_APPENDED, TRANSCRIPT_REPLACED
from projector.db.digest import digest
from projector.errors import NotFound
from projector.text.document import document
from projector.text.query import parse
from projector.views.messages import messages
from tests.support.fulltext import index_for, index_of
from tests.support.projections import Fact, counters
from tests.support.redaction.document import same_event

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from journal.format.redacted import Redacted
    from tests.support.fulltext import Index

Key = tuple[str, str]
EventContent = tuple[str, bytes, str]


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a projection, without what may differ between two equal ones.

    Attributes:
        digest: of the projection; empty in a model.
        order: for each session, its messages in order, as id and data in force.
        sessions: for each session, its folded fields and its count of messages.
        totals: for each session, its usage.
        keys: for each session, its keys and their values; None for a deleted key.
        counters: events, messages, conflicts, unknown and latest (duplicates are separate).
        others: for each content that is not in force: session, id, type, data, what was redacted,
            whether it is the same event as the one in force, and the place of its first record.
        homes: for each replay, and each repeated use, the session where it counts.
        found: for each word, the messages that contain it and are no replays.
        index: for each message, its terms in the full-text index.
    """

    digest: str
    order: dict[str, list[tuple[str, bytes]]]
    sessions: dict[str, tuple[Any, ...]]
    totals: dict[str, dict[str, int]]
    keys: dict[str, dict[str, str | None]]
    counters: dict[str, int]
    others: list[tuple[Any, ...]]
    homes: dict[Key, str]
    found: dict[str, set[Key]]
    index: Index


_COUNTED = ("events", "messages", "replays", "conflicts", "unknown", "latest")
_SAID = (
    "title",
    "source",
    "model",
    "cwd",
    "parent",
    "user",
    "system_prompt",
    "config",
    "started",
    "branch",
    "commit",
    "relation",
    "gone",
)
_FOLDED = (
    *(*_SAID, "ended", "end_reason", "extra", "known", "message_total"),
    *("messages", "replays", "origin", "first_cwd", "first_branch", "first_model"),
)


def canonical(data: object) -> bytes:
    """Encode a value so that equal content gives equal bytes."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


def content(db: apsw.Connection, words: Iterable[str]) -> Content:
    """Read the content of a projection, and check SQLite and the full-text index."""
    assert db.pragma("integrity_check") == "ok"
    db.execute("INSERT INTO fts(fts) VALUES('integrity-check')")
    names: list[str] = [str(name) for (name,) in db.execute("SELECT session FROM _sessions")]
    order = {name: _order(db, name) for name in names}
    others: list[tuple[Any, ...]] = db.execute(
        "SELECT s.session, event_id, type, data, coalesce(redacted, ''), same, ord, uuid, seq"
        " FROM _other_contents c JOIN _sessions s ON s.id = c.session"
        " JOIN _lanes l ON l.id = c.lane_row"
    ).fetchall()
    counted = counters(db)
    return Content(
        digest(db),
        order,
        {name: _session(db, name) for name in names},
        {name: _by_name(db, name, "name, total FROM _usage") for name in names},
        {name: _by_name(db, name, "key, value FROM _keys") for name in names},
        {name: counted[name] for name in _COUNTED},
        sorted((*row[:3], row[3].encode(), *row[4:]) for row in others),
        _homes(db),
        {word: _matches(db, word) for word in words},
        index_of(db),
    )


def _order(db: apsw.Connection, name: str) -> list[tuple[str, bytes]]:
    try:
        views = messages(db, name)
    except NotFound:  # the session was deleted, or the event is no message
        return []
    return [(view.id, canonical([view.role, view.content])) for view in views]


def _session(db: apsw.Connection, name: str) -> tuple[Any, ...]:
    columns = ", ".join(f'"{name}"' for name in _FOLDED)  # `commit` is a keyword
    query = f"SELECT {columns} FROM _sessions WHERE session = ?"
    row = dict(zip(_FOLDED, db.execute(query, (name,)).fetchone() or (), strict=True))
    row["config"] = None if row["config"] is None else orjson.loads(row["config"])
    row["extra"] = orjson.loads(row["extra"] or "{}")
    return tuple(row.values())


def _by_name(db: apsw.Connection, session: str, columns: str) -> dict[str, Any]:
    query = f"SELECT {columns} WHERE session = (SELECT id FROM _sessions WHERE session = ?)"
    return dict(db.execute(query, (session,)))


def _homes(db: apsw.Connection) -> dict[Key, str]:
    found: list[tuple[Any, ...]] = db.execute(
        "SELECT s.session, e.event_id, h.session FROM _shared x JOIN _events e ON e.id = x.event"
        " JOIN _sessions s ON s.id = e.session LEFT JOIN _sessions h ON h.id = x.home"
        " WHERE x.home IS NOT NULL"
    ).fetchall()
    homes = {}
    for session, id, home in found:
        assert home is not None, f"the home of {id!r} in {session!r} is not decided"
        homes[session, id] = home
    return homes


def _matches(db: apsw.Connection, word: str) -> set[Key]:
    rows = db.execute(
        "SELECT s.session, e.event_id FROM fts JOIN _events e ON e.id = fts.rowid"
        " JOIN _sessions s ON s.id = e.session WHERE fts MATCH ? AND e.kind = 1",
        (parse(word).match,),
    ).fetchall()
    everything = db.execute("SELECT count(*) FROM fts WHERE fts MATCH ?", (parse(word).match,)).get
    assert everything == len(rows), f"{word!r} finds rows that are no message"
    return {(str(session), str(key)) for session, key in rows}


@dataclass
class Model:
    """The meaning of a set of records.

    Attributes:
        records: the records.
        in_force_by_key: for each key, the record in force.
        others: contents that are not in force, and whether each is the same event as the one that
            is.
        duplicates: records whose content another record has under the same key, and records of
            contents that are the same event.
        from_transcripts: keys whose content has no record of its own, and is in a new transcript.
        places: for each key, every record with it, and every new transcript with a message of it.
    """

    records: list[Fact]
    in_force_by_key: dict[Key, Fact] = field(default_factory=dict)
    others: list[tuple[Fact, bool]] = field(default_factory=list)
    duplicates: int = 0
    from_transcripts: set[Key] = field(default_factory=set)
    places: dict[Key, list[Fact]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        contents: dict[Key, dict[EventContent, Fact]] = {}
        alone: set[tuple[Key, EventContent]] = set()
        for record in sorted(self.records, key=lambda fact: fact.order):
            self.duplicates += (record.key, record.content) in alone
            alone.add((record.key, record.content))
            for fact in [record, *_listed_messages(record)]:
                self.places.setdefault(fact.key, []).append(fact)
                contents.setdefault(fact.key, {}).setdefault(fact.content, fact)
        for key, by_content in contents.items():
            first, *rest = sorted(by_content.values(), key=lambda fact: fact.order)
            self.in_force_by_key[key] = first
            for fact in rest:
                is_same = same_event(first.event, fact.event)
                self.others.append((fact, is_same))
                self.duplicates += is_same and (key, fact.content) in alone
            if (key, first.content) not in alone:
                self.from_transcripts.add(key)

    def content(self, words: Iterable[str]) -> Content:
        """Return the content that a projection of the records must have."""
        names = {fact.key[0] for fact in self.records}
        states = {name: self._states(name) for name in names}
        in_force = {k: self._in_force(f) for k, f in self._of(MESSAGE_APPENDED).items()}
        found = {
            k: data for k, data in in_force.items() if states[k[0]][k[1]] in {"in", "archived"}
        }
        shown = {k for k in in_force if states[k[0]][k[1]] == "in"}
        homes = self._homes(states, in_force)
        found = {k: data for k, data in found.items() if k not in homes}
        conversations = {name: self._conversation(name, in_force) for name in names}
        return Content(
            "",
            {n: [item for item in c if (n, item[0]) in shown] for n, c in conversations.items()},
            {
                name: (
                    *self._folded(name),
                    sum(state != "gone" for state in states[name].values()),
                    sum(k[0] == name for k in shown),
                    sum(k[0] == name for k in shown & homes.keys()),
                    self._origin(name, shown, homes, in_force),
                    *_firsts(
                        in_force[key]
                        for id, _ in conversations[name]
                        if (key := (name, id)) in shown
                    ),
                )
                for name in names
            },
            {name: self._totals(name, homes) for name in names},
            {name: self._keys(name) for name in names},
            {
                "events": len(self.in_force_by_key) - len(self.from_transcripts),
                "messages": len(shown),
                "replays": len(shown & homes.keys()),
                "conflicts": sum(not is_same for _, is_same in self.others),
                "unknown": sum(
                    f.event.type not in EVENT_TYPES for f in self.in_force_by_key.values()
                ),
                "latest": max((f.event.order for f in self.records), default=0),
            },
            sorted(
                (*fact.key, *fact.content, int(same), *fact.order) for fact, same in self.others
            ),
            homes,
            {
                word: {k for k, data in found.items() if _holds(document(data), word)}
                for word in words
            },
            index_for(found),
        )

    def _of(self, type: str) -> dict[Key, Fact]:
        return {key: fact for key, fact in self.in_force_by_key.items() if fact.event.type == type}

    def _history(self, name: str) -> list[Fact]:
        """Return the events in force of a session in order."""
        own = [fact for key, fact in self.in_force_by_key.items() if key[0] == name]
        return sorted(own, key=lambda fact: fact.order)

    def _since_deletion(self, name: str) -> list[Fact]:
        history = self._history(name)
        deletions = [fact for fact in history if fact.event.type == "session.deleted"]
        return [
            fact
            for fact in history
            if fact not in deletions and not any(self._reaches(d, fact) for d in deletions)
        ]

    def _reaches(self, sweep: Fact, fact: Fact) -> bool:
        """Return whether a sweep's author had read any record of an event's key."""
        seen = sweep.event.data.get("seen")
        if seen is None:  # as in format 1
            return fact.order < sweep.order
        return any(at.seq <= seen.get(at.lane, -1) for at in self.places[fact.key])

    def _states(self, name: str) -> dict[str, str]:  # noqa: C901 - a line for each type
        """Apply a session's events in order; return the state of each message."""
        ids = {id for session, id in self._of(MESSAGE_APPENDED) if session == name}
        states = {id: "out" if (name, id) in self.from_transcripts else "in" for id in ids}

        def reached(sweep: Fact) -> set[str]:
            return {id for id in ids if self._reaches(sweep, self.in_force_by_key[name, id])}

        def archive(those: Iterable[str]) -> None:
            move({id for id in those if states.get(id) == "in"}, "archived")

        def out(those: Iterable[str]) -> None:
            move({id for id in those if states.get(id) != "gone"}, "out")

        def move(those: Iterable[str], state: str) -> None:
            states.update(dict.fromkeys(ids & set(those), state))

        for fact in self._history(name):
            data = fact.event.data
            match fact.event.type:
                case "message.removed":
                    out(data["messages"])
                case "message.archived":
                    archive(data["messages"])
                case "message.restored":
                    move(data["messages"], "in")
                case "session.cleared":
                    out(reached(fact))
                case "session.deleted":
                    move(reached(fact), "gone")
                case "transcript.replaced":
                    kept = {item.get("message", item.get("id")) for item in data["messages"]}
                    if data.get("rest") == "archived":
                        archive(reached(fact) - kept)
                    else:
                        out(reached(fact) - kept)
                    move(kept, "in")
                case _:
                    pass
        return states

    def _in_force(self, message: Fact) -> dict[str, Any]:
        data = dict(message.event.data)
        session, id = message.key
        for fact in self._history(session):
            changes = [fact.event.data] if fact.event.type == "message.revised" else []
            if fact.event.type == TRANSCRIPT_REPLACED:
                changes = fact.event.data["messages"]
            for change in changes:
                if change.get("message") == id:
                    data.update({k: v for k, v in change.items() if k != "message"})
        return data

    def _conversation(
        self, name: str, in_force: dict[Key, dict[str, Any]]
    ) -> list[tuple[str, bytes]]:
        data = {id: data for (session, id), data in in_force.items() if session == name}
        orders = {id: self.in_force_by_key[name, id].order for id in data}
        moments = {id: self._moment(name, id, in_force) for id in data}
        above = {id: data[id].get("parent") for id in data}
        above = {id: p if p in data and p != id else None for id, p in above.items()}
        for id in data:  # of a cycle, the first by date and id is first
            cycle = _cycle(id, above)
            if cycle and id == min(cycle, key=lambda other: (moments[other], other)):
                above[id] = None

        def place(id: str) -> tuple[int, int]:
            parent = above[id]
            if parent is None:
                return moments[id], 0
            at, depth = place(parent)
            return (moments[id], 0) if at < moments[id] else (at, depth + 1)

        parts = {
            id: self.in_force_by_key[name, id].part if (name, id) in self.from_transcripts else 0
            for id in data
        }
        ids = sorted(data, key=lambda each: (*place(each), *orders[each], parts[each]))
        return [(id, canonical([data[id].get("role"), data[id].get("content")])) for id in ids]

    def _moment(self, name: str, id: str, in_force: dict[Key, dict[str, Any]]) -> int:
        """Return a message's date, else the time after the last message dated ahead in its lane."""
        date = in_force[name, id].get("timestamp")
        if date is not None:
            return int(date)
        fact = self.in_force_by_key[name, id]
        before = [
            (other.event.data.get("timestamp", 0), other.event.order)
            for key, other in self._of(MESSAGE_APPENDED).items()
            if key[0] == name
            and other.lane == fact.lane
            and (other.seq, other.part) < (fact.seq, fact.part)
        ]
        return max(fact.event.order, *(int(date) for date, order in before if date > order), 0)

    def _folded(self, name: str) -> tuple[Any, ...]:
        given: dict[str, Any] = {}
        ensured: dict[str, Any] = {}
        end: tuple[int | None, str | None] = None, None
        own = [f for f in self._since_deletion(name) if f.event.type.startswith("session.")]
        own = [f for f in own if f.event.type != "session.cleared"]
        for fact in own:
            data = dict(fact.event.data)
            flat = {k: v for k, v in data.items() if k in _SAID}
            flat |= {f"extra.{k}": v for k, v in data.get("extra", {}).items()}
            match fact.event.type:
                case "session.created" | "session.titled" | "session.revised":
                    given |= flat
                    given |= dict.fromkeys(data.get("clear", []), ...)
                case "session.ensured":
                    ensured = flat | ensured
                case "session.ended" if end[0] is None:
                    end = data.get("ended", fact.event.time), data.get("reason")
                case "session.reopened":
                    end = None, None
                case _:
                    pass
        fields = {k: v for k, v in (ensured | given).items() if v is not ...}
        extra = {k[6:]: v for k, v in fields.items() if k.startswith("extra.")}
        said = [fact for fact in own if not _only_says_gone(fact.event)]
        return (*(fields.get(k) for k in _SAID), *end, extra, int(bool(said)))

    def _homes(
        self, states: dict[str, dict[str, str]], in_force: dict[Key, dict[str, Any]]
    ) -> dict[Key, str]:
        """Return for each replay, and each repeated use, the session where it counts."""
        groups: dict[tuple[str, str, bytes], dict[Key, int]] = {}
        lines = {key: ("m", _line(key[1], data), _words(data)) for key, data in in_force.items()}
        for key, line in lines.items():
            place = ["in", "archived", "out", "gone"].index(states[key[0]][key[1]])
            groups.setdefault(line, {})[key] = place
        for key, fact in self._of("usage.added").items():
            alive = fact in self._since_deletion(key[0])
            call = fact.event.data.get("call", "")
            used = {name: v for name, v in fact.event.data.items() if name != "timestamp"}
            line = ("u", call if len(call) >= 16 else "", canonical(used))
            groups.setdefault(line, {})[key] = 0 if alive else 3
        shared = [
            group
            for (_, line, _), group in groups.items()
            if line and len({session for session, _ in group}) > 1
        ]
        known = {key for group in shared for key in group}
        firsts: dict[str, int] = {}
        for key, data in in_force.items():
            if key not in known and states[key[0]][key[1]] in {"in", "archived"}:
                moment = data.get("timestamp", self.in_force_by_key[key].event.order)
                firsts[key[0]] = min(firsts.get(key[0], moment), moment)
        homes: dict[Key, str] = {}
        for group in shared:
            best = min(group.values())
            if best > 1:
                continue
            having = {key[0] for key, place in group.items() if place == best}
            tops = {each for each in having if not having & (self._above(each) - {each})} or having
            home = min(tops, key=lambda each: (each in firsts, firsts.get(each, 0), each))
            homes |= {k: home for k, place in group.items() if place < 2 and k[0] != home}
        return homes

    def _above(self, name: str) -> set[str]:
        """Return the sessions that a session names as parents, transitively."""
        names = {fact.key[0] for fact in self.records}
        above: set[str] = set()
        while name in names:
            parent = self._folded(name)[_SAID.index("parent")]
            if parent is None or parent in above:
                break
            above.add(parent)
            name = parent
        return above

    def _origin(
        self,
        name: str,
        shown: set[Key],
        homes: dict[Key, str],
        in_force: dict[Key, dict[str, Any]],
    ) -> str | None:
        """Return the home of the last replay of a session."""
        replays = [
            (-in_force[k].get("timestamp", self.in_force_by_key[k].event.order), homes[k])
            for k in shown & homes.keys()
            if k[0] == name
        ]
        return min(replays)[1] if replays else None

    def _totals(self, name: str, homes: dict[Key, str]) -> dict[str, int]:
        totals: dict[str, int] = {}
        calls: dict[tuple[str, str], int] = {}
        for fact in self._since_deletion(name):
            if fact.event.type in {"usage.added", "usage.set"} and fact.key not in homes:
                data = dict(fact.event.data)
                call = data.pop("call", fact.event.id)
                data.pop("timestamp", None)
                for counter, amount in data.items():
                    value = round(amount * 10**9) if counter.endswith("cost") else amount
                    if fact.event.type == "usage.set":
                        totals[counter] = value
                        for at in [at for at in calls if at[1] == counter]:
                            del calls[at]
                    else:
                        before = calls.get((call, counter), 0)
                        calls[call, counter] = max(before, value)
                        more = max(value - before, 0)
                        totals[counter] = totals.get(counter, 0) + more
        return totals

    def _keys(self, name: str) -> dict[str, str | None]:
        keys: dict[str, str | None] = {}
        for fact in self._since_deletion(name):
            data = fact.event.data
            if fact.event.type == "key.set":
                keys[data["key"]] = orjson.dumps(data["value"]).decode()
            elif fact.event.type == "key.deleted":
                keys[data["key"]] = None
        return keys


def _only_says_gone(event: Event) -> bool:
    data = {name: value for name, value in event.data.items() if name != "gone"}
    bare = not data or data == {"clear": ["gone"]}
    return event.type == "session.revised" and bool(event.data) and bare


def _firsts(messages: Iterable[dict[str, Any]]) -> tuple[str | None, ...]:
    """Return folder, branch and model of the first messages of a transcript that have one."""
    found: dict[str, str] = {}
    for data in messages:
        extra = data.get("extra", {})
        model = data.get("model", "")
        values = {
            "cwd": extra.get("cwd", ""),
            "branch": extra.get("git_branch", ""),
            "model": "" if model.startswith("<") else model,
        }
        found = {name: value for name, value in values.items() if value} | found
    return found.get("cwd"), found.get("branch"), found.get("model")


def _line(id: str, data: dict[str, Any]) -> str:
    own = data.get("line", "")
    return str(own) if own or not re.fullmatch(_UUID, id) else id


_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-689a-f][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"


def _words(data: dict[str, Any]) -> bytes:
    return canonical([data.get(n) for n in ("role", "content", "reasoning", "tool_calls")])


def _listed_messages(record: Fact) -> list[Fact]:
    """Return the messages of a new transcript, as records."""
    if record.event.type != TRANSCRIPT_REPLACED:
        return []
    event = record.event
    return [
        replace(
            record,
            part=part,
            event=Event(
                event.session,
                item["id"],
                MESSAGE_APPENDED,
                event.time,
                event.order,
                {k: v for k, v in item.items() if k != "id"},
                _redacted_within(event.redacted, item),
            ),
        )
        for part, item in enumerate(event.data["messages"], 1)
        if "message" not in item
    ]


def _redacted_within(redacted: Redacted | None, item: dict[str, Any]) -> Redacted | None:
    """Return what was redacted in a message of a new transcript, whose original is not known."""
    kinds = re.findall(r"\[redacted:([a-z]+):[0-9a-f]{6}\]", canonical(item).decode())
    if redacted is None or not kinds:
        return None
    return replace(redacted, original="", content="", counts=dict(Counter(kinds)))


def _cycle(id: str, above: dict[str, str | None]) -> list[str]:
    """Return the cycle of parents that a message is in; empty if it is in none."""
    cycle = [id]
    at = above[id]
    while at is not None and at not in cycle:
        cycle.append(at)
        at = above[at]
    return cycle if at == id else []


def _holds(text: str, word: str) -> bool:
    return word in (text.split() if word.isascii() else text)
