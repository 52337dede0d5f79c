"""Searches, lists of sessions and counts by what messages were about."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from journal import EventError, Journal
from projector import AsyncSessionStore, Projection, QueryError, SessionStore
from projector.apply.facets import _SMALL
from projector.db.tags import MOVED

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400_000_000
T = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z."""


def _session(name: str, **data: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a session
    return {"session": name, "type": "session.created", "data": data}


def _said(name: str, id: str, **data: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a message
    data = {"role": "assistant", "content": "quokka", **data}
    return {"session": name, "id": id, "type": "message.appended", "data": data}


def _called(tool: str, **arguments: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any JSON value
    function = {"name": tool, "arguments": json.dumps(arguments)}
    return [{"id": "c1", "type": "function", "function": function}]


_EVENTS = [
    _session("web", source="claude-code", cwd="/home/ada/web", branch="main", model="opus"),
    _said("web", "w1", role="user", timestamp=T),
    _said("web", "w2", model="sonnet", timestamp=T + 1, extra={"git_branch": "fix"}),
    _said("web", "w3", tool_calls=_called("Edit", file_path="/home/ada/web/src/a.py")),
    _said("web", "w4", role="tool", tool_name="Edit", extra={"is_error": True}, timestamp=T + DAY),
    _session("api", source="codex", cwd="/home/ada/api", model="gpt", parent="web"),
    {"session": "api", "type": "session.revised", "data": {"relation": "subagent"}},
    _said(
        "api",
        "a1",
        tool_calls=_called("apply_patch", input="*** Add File: src/a.py\n"),
        timestamp=T,
    ),
    _said(
        "api", "a2", role="tool", tool_name="shell", extra={"exit_code": 1}, timestamp=T + 9 * DAY
    ),
    _said("loose", "l1", source="cli", extra={"cwd": "/srv/web"}),
    _said("loose", "l2", tool_calls=_called("Read", path="lib/src/a.py")),
]


@pytest.fixture(autouse=True)
def each_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show each of the messages here, which all say the same."""
    monkeypatch.setattr("projector.search.ordering.folded._SHORT", 10**9)


def _append(path: Path, *events: dict[str, Any]) -> None:
    with Journal.open(path) as journal:
        journal.append_many(events)


def _hits(projection: Projection, **filters: Any) -> set[str]:  # noqa: ANN401 - as `search`
    return {hit.id for hit in projection.search("quokka", limit=1_000, **filters)}


_CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"project": "web"}, "w1 w2 w3 w4 l1 l2", "web loose"),
    ({"project": "/home/ada/web"}, "w1 w2 w3 w4", "web"),
    ({"project": "/home/ada/web/"}, "w1 w2 w3 w4", "web"),
    ({"source": "codex"}, "a1 a2", "api"),
    ({"source": "cli"}, "l1", "loose"),
    ({"model": "opus"}, "w1 w3 w4", "web"),
    ({"model": "sonnet"}, "w2", "web"),
    ({"branch": "main"}, "w1 w3 w4", "web"),
    ({"branch": "fix"}, "w2", "web"),
    ({"tool": "Edit"}, "w3 w4", "web"),
    ({"tool": "edit"}, "", ""),
    ({"file": "a.py"}, "w3 a1 l2", "web api loose"),
    ({"file": "src/a.py"}, "w3 a1 l2", "web api loose"),
    ({"file": "./src/a.py"}, "w3 a1 l2", "web api loose"),
    ({"file": "b/src/a.py"}, "", ""),
    ({"file": "lib/src/a.py"}, "l2", "loose"),
    ({"file": "ada/web/src/a.py"}, "w3", "web"),
    ({"file": "/home/ada/web/src/a.py"}, "w3", "web"),
    ({"file": "/home/ada/api/src/a.py"}, "a1", "api"),
    ({"file": "/src/a.py"}, "", ""),
    ({"file": "."}, "", ""),
    ({"has": "errors"}, "w4 a2", "web api"),
    ({"has": "errors", "tool": "shell"}, "a2", "api"),
    ({"subagents": False}, "w1 w2 w3 w4 l1 l2", "web loose"),
    ({"until": "2026-01-01T00:00:01Z"}, "w1 w2 a1", "web api"),
    ({"since": "2026-01-03T00:00Z", "until": "2026-02-01T00:00Z"}, "a2", "api"),
    ({"tool": "Edit", "project": "api"}, "", ""),
]


def test_messages_and_sessions_are_found_by_what_they_were_about(journal_dir: Path) -> None:
    """A search finds messages that pass all filters, a list sessions of which some pass each."""
    _append(journal_dir, *_EVENTS)
    with Projection.open(journal_dir) as projection:
        for filters, messages, sessions in _CASES:
            expected = set(messages.split())
            assert _hits(projection, **filters) == expected, filters
            assert _hits(projection, include_replays=True, **filters) == expected, filters
            listed = {view.session for view in projection.sessions(**filters)}
            assert listed == set(sessions.split()), filters
            counted = projection.facets(by="source", **filters)
            assert sum(row.messages for row in counted) == len(expected), filters


_MOVED_SESSIONS = f"SELECT count(*) FROM _sessions WHERE {MOVED}"
_VALUES = {
    "source": ["cli", "web", "cron"],
    "cwd": ["/a/x", "/b/x", "/a/y"],
    "branch": ["main", "fix"],
    "model": ["m1", "m2"],
}
_OWN = {"source": "source", "model": "model"}
_IN_EXTRA = {"cwd": "cwd", "branch": "git_branch"}


class _Model:
    """Sessions and messages as a plain program has them."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._sessions: dict[str, dict[str, Any]] = defaultdict(dict)
        self._messages: dict[tuple[str, str], dict[str, Any]] = {}

    def event(self) -> dict[str, Any]:
        """Return the next event, and note what it means."""
        random = self._random
        session = random.choice("abc")
        if random.random() < 0.25:
            fields = {"cwd": None, "relation": "subagent"} if random.random() < 0.2 else {}
            name = random.choice([*_VALUES])
            fields = {**fields, name: random.choice(_VALUES[name])}
            data = {n: v for n, v in fields.items() if v is not None}
            self._sessions[session].update(data)
            return {"session": session, "type": "session.revised", "data": data}
        if random.random() < 0.15 and (
            known := [key for key in self._messages if key[0] == session]
        ):
            _, id = random.choice(known)
            if random.random() < 0.5:
                del self._messages[session, id]
                return {"session": session, "type": "message.removed", "data": {"messages": [id]}}
            data = self._fields()
            self._messages[session, id] |= data
            return {"session": session, "type": "message.revised", "data": {"message": id, **data}}
        id = f"m{random.randrange(10**9)}"
        self._messages[session, id] = {"role": "assistant", "content": "quokka", **self._fields()}
        return _said(session, id, **self._messages[session, id])

    def _fields(self) -> dict[str, Any]:
        random, extra = self._random, dict[str, Any]()
        data: dict[str, Any] = {}
        for name, values in _VALUES.items():
            if random.random() < 0.3:
                value = random.choice(values)
                if name in _OWN:
                    data[name] = value
                else:
                    extra[_IN_EXTRA[name]] = value
        if random.random() < 0.3:
            data["tool_calls"] = _called(
                random.choice("XY"), path=random.choice(["/a/x/f", "f", "g/f"])
            )
        if random.random() < 0.2:
            extra["exit_code"] = 1
        if random.random() < 0.8:
            data["timestamp"] = T + random.randrange(5) * DAY
        return data | ({"extra": extra} if extra else {})

    def _session(self, name: str) -> dict[str, Any]:
        """Return what a session gives its messages: its own values, else those of the first."""
        messages = [data for (session, _), data in self._messages.items() if session == name]
        found: dict[str, Any] = {}
        for data in sorted(messages, key=lambda data: data.get("timestamp", 10**18)):
            extra = data.get("extra", {})
            values = {
                "model": data.get("model"),
                "branch": extra.get("git_branch"),
                "cwd": extra.get("cwd"),
            }
            found = {n: v for n, v in values.items() if v is not None} | found
        return found | self._sessions[name]

    def facets(self) -> dict[str, dict[str, Any]]:
        """Return of each message what it was about."""
        found = {}
        sessions = {name: self._session(name) for name in "abc"}
        for (name, id), data in self._messages.items():
            session, extra = sessions[name], data.get("extra", {})
            calls = [call["function"] for call in data.get("tool_calls", [])]
            paths = [json.loads(call["arguments"])["path"] for call in calls]
            found[id] = {
                "session": name,
                "source": data.get("source") or session.get("source"),
                "model": data.get("model") or session.get("model"),
                "branch": extra.get("git_branch") or session.get("branch"),
                "project": session.get("cwd"),
                "tool": calls[0]["name"] if calls else None,
                "file": paths[0] if paths else None,
                "errors": "exit_code" in extra,
                "subagents": session.get("relation") == "subagent",
                "day": (data["timestamp"] - T) // DAY if "timestamp" in data else 10**6,
            }
        return found


def _has(message: dict[str, Any], name: str, value: Any) -> bool:  # noqa: ANN401 - of a filter
    """Return whether a message passes a filter, by the plainest comparison."""
    if name == "file":
        path = message["file"] or "-"
        is_it = value.startswith("/") and f"{message['project']}/{path}" == value
        return is_it or f"/{path}".endswith(f"/{value}")
    return bool(
        {
            "has": message["errors"],
            "subagents": not message["subagents"],
            "since": message["day"] >= value if name == "since" else None,
            "until": message["day"] < value if name == "until" else None,
            "project": value in {message["project"], str(message["project"]).split("/")[-1]},
        }.get(name, message.get(name) == value)
    )


def _passing(found: dict[str, dict[str, Any]], filters: dict[str, Any]) -> set[str]:
    """Return the messages that pass all filters."""
    return {
        id
        for id, message in found.items()
        if all(_has(message, name, value) for name, value in filters.items())
    }


_FILTERS: list[dict[str, Any]] = [
    {},
    *({name: value} for name in ("source", "model", "branch") for value in _VALUES[name]),
    *({"project": value} for value in ("x", "y", "/a/x", "/b/x")),
    *({"tool": "X"}, {"file": "f"}, {"file": "g/f"}, {"file": "/a/x/f"}, {"file": "/b/x/f"}),
    *(
        {"has": "errors"},
        {"subagents": False},
        {"since": 2},
        {"until": 3},
        {"since": 1, "until": 3},
    ),
    *({"source": "cli", "tool": "X"}, {"project": "x", "model": "m1", "subagents": False}),
]


@pytest.mark.slow
@pytest.mark.parametrize("small", [0, _SMALL])
@pytest.mark.parametrize("seed", range(2))
def test_filters_and_counts_agree_with_a_plain_comparison(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch, seed: int, small: int
) -> None:
    """After revisions, removals and changed sessions, whether or not messages get new tags."""
    monkeypatch.setattr("projector.apply.facets._SMALL", small)
    # the files of messages that pass are counted in two ways
    monkeypatch.setattr("projector.search.facets._READ", small)
    random = Random(seed)  # noqa: S311 - no secret
    model = _Model(random)
    with Journal.open(journal_dir) as journal, Projection.open(journal_dir) as projection:
        for _ in range(6):
            journal.append_many([model.event() for _ in range(random.randrange(1, 20))])
            found = model.facets()
            for asked in _FILTERS:
                filters = {
                    name: T + value * DAY if name in {"since", "until"} else value
                    for name, value in asked.items()
                }
                expected = _passing(found, asked)
                assert _hits(projection, **filters) == expected, asked
                assert _hits(projection, include_replays=True, **filters) == expected, asked
                _check_counts(projection, {id: found[id] for id in expected}, filters)
            listed = {view.session: view for view in projection.sessions()}
            for message in found.values():
                view = listed[message["session"]]
                assert view.cwd == message["project"]


def _check_counts(
    projection: Projection, found: dict[str, dict[str, Any]], filters: dict[str, Any]
) -> None:
    for by in ("project", "source", "model", "branch", "tool", "file"):
        counts: dict[str | None, list[str]] = defaultdict(list)
        for message in found.values():
            if message[by] is not None or by not in {"tool", "file"}:
                counts[message[by]].append(message["session"])
        rows = projection.facets(by=by, **filters)
        assert {row.name: (row.messages, row.sessions) for row in rows} == {
            name: (len(sessions), len(set(sessions))) for name, sessions in counts.items()
        }, (by, filters)


def test_messages_have_what_their_session_has_from_its_first_ones(journal_dir: Path) -> None:
    """A prompt is found by the model and branch of what follows; they move with the first message.

    In one batch the prompt has the tags at once: no row has to be compared.
    """
    prompts = [_said("s", f"p{n}", role="user", timestamp=T) for n in range(_SMALL + 1)]
    answer = _said("s", "a", model="m2", timestamp=T + 1, extra={"git_branch": "x", "cwd": "/w"})
    _append(journal_dir, *prompts, answer)
    with Projection.open(journal_dir) as projection:
        for filters in ({"model": "m2"}, {"branch": "x"}, {"project": "w"}):
            assert len(_hits(projection, **filters)) == _SMALL + 2
        assert projection.read(lambda db: db.execute(_MOVED_SESSIONS).get)[0] == 0
        _append(journal_dir, _said("s", "b", model="m1", timestamp=T - 1))
        assert _hits(projection, model="m2") == {"a"}
        assert len(_hits(projection, model="m1")) == _SMALL + 2
        assert projection.session("s").model == "m1"
        [row] = projection.facets(by="model", model="m1")
        assert row.messages == _SMALL + 2


def test_a_session_that_moved_is_found_by_its_new_values(journal_dir: Path) -> None:
    """A session that is too large for new tags is searched by its row."""
    messages = [_said("s", f"m{n}") for n in range(_SMALL + 1)]
    _append(journal_dir, _session("s", model="old", source="one"), *messages)
    with Projection.open(journal_dir) as projection:
        assert len(_hits(projection, model="old")) == _SMALL + 1
        _append(
            journal_dir, _session("s", model="new", source="two"), _said("s", "last", model="own")
        )
        assert not _hits(projection, model="old")
        assert len(_hits(projection, model="new")) == len(_hits(projection, source="two")) - 1
        assert _hits(projection, model="own") == {"last"}
        assert len(_hits(projection, source="two")) == _SMALL + 2


def test_a_small_session_gets_new_tags(journal_dir: Path) -> None:
    """A field that is named behind the first messages needs no comparison of rows."""
    _append(journal_dir, _said("s", "m1"))
    with Projection.open(journal_dir) as projection:
        assert not _hits(projection, branch="main")
        _append(journal_dir, _session("s", branch="main"))
        assert _hits(projection, branch="main") == {"m1"}
        assert projection.read(lambda db: db.execute(_MOVED_SESSIONS).get)[0] == 0


def test_the_score_of_a_prefix_counts_no_tags(journal_dir: Path) -> None:
    """Filters whose tags match a message several times do not change its score."""
    _append(journal_dir, _said("s", "m1", tool_calls=_called("X", paths=["/a/f", "/b/f", "c/f"])))
    _append(journal_dir, _said("s", "m2", content="quokka " * 3))
    with Projection.open(journal_dir) as projection:
        plain = {hit.id: hit.score for hit in projection.search("quok*")}
        for filters in ({"file": "f"}, {"file": "/a/f"}, {"tool": "X"}, {"until": T * 2}):
            [hit] = [h for h in projection.search("quok*", **filters) if h.id == "m1"]
            assert hit.score == plain["m1"]


@pytest.mark.parametrize("filters", [{"tool": 5}, {"file": b"a"}, {"project": "\ud800"}])
def test_a_filter_that_is_no_text_is_refused(journal_dir: Path, filters: dict[str, Any]) -> None:
    """The error names the argument."""
    _append(journal_dir, *_EVENTS)
    with Projection.open(journal_dir) as projection:
        for ask in (projection.sessions, lambda **f: projection.search("quokka", **f)):
            with pytest.raises(QueryError, match=next(iter(filters))):
                ask(**filters)


def test_unknown_names_are_answered_with_the_allowed_ones(journal_dir: Path) -> None:
    """`by`, `has` and `sort` say what they may be."""
    _append(journal_dir, *_EVENTS)
    with Projection.open(journal_dir) as projection:
        with pytest.raises(ValueError, match="by must be one of project, source, model"):
            projection.facets(by="user")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="has must be one of errors, not 'images'"):
            projection.sessions(has="images")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="sort must be one of last, messages, tokens, cost"):
            projection.sessions(sort="size")  # type: ignore[arg-type]
        with pytest.raises(EventError, match="since"):
            projection.facets(by="tool", since="yesterday")


def test_sessions_are_sorted(journal_dir: Path) -> None:
    """By the latest message, and by most messages, tokens and cost; an unknown cost is last."""
    used = {"web": (5, 0.5), "api": (900, 0.25)}
    _append(
        journal_dir,
        *_EVENTS,
        *(
            {"session": s, "type": "usage.added", "data": {"input_tokens": t, "actual_cost": c}}
            for s, (t, c) in used.items()
        ),
    )
    with Projection.open(journal_dir) as projection:
        listed = {
            sort: [view.session for view in projection.sessions(sort=sort)]
            for sort in ("messages", "tokens", "cost")
        }
        assert listed == {
            "messages": ["web", "loose", "api"],
            "tokens": ["api", "web", "loose"],
            "cost": ["web", "api", "loose"],
        }
        paged = projection.sessions(sort="cost", limit=1, offset=1)
        assert [view.session for view in paged] == ["api"]


def test_a_replay_counts_where_it_is_at_home(journal_dir: Path) -> None:
    """Facets count a message that a fork repeats once, and follow it when its home is deleted."""
    line = "3f2b8c4e-0000-4000-8000-000000000001"
    for name in ("parent", "fork"):
        call = _called("Edit", path="/a/f")
        _append(journal_dir, _said(name, line, tool_calls=call, timestamp=T))
    _append(journal_dir, _said("fork", "own", timestamp=T + 1))
    with SessionStore.open(journal_dir) as store:
        assert [(row.messages, row.sessions) for row in store.facets(by="tool")] == [(1, 1)]
        assert [view.session for view in store.sessions(tool="Edit")] == ["parent"]
        store.delete("parent")
        assert [view.session for view in store.sessions(file="a/f")] == ["fork"]
        store.delete("fork")
        assert not store.facets(by="tool")
        names = store.read(lambda db: db.execute("SELECT count(*) FROM _facet_values").get)
        assert names[0] == 0


@pytest.mark.parametrize(("ranked", "most"), [(3, 1), (9, 0)])
def test_replays_of_a_project_are_found_behind_newer_matches_of_others(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch, ranked: int, most: int
) -> None:
    """Matches of other projects take no place; one with many replays is filtered afterwards."""
    monkeypatch.setattr("projector.search.matches.RANKED", ranked)
    monkeypatch.setattr("projector.views.fields._REPLAYS", most)
    line = "3f2b8c4e-0000-4000-8000-000000000001"
    _append(
        journal_dir,
        _session("first", cwd="/home/ada/web"),
        _said("first", line, timestamp=T),
        _session("fork", cwd="/home/ada/api", parent="first", relation="fork"),
        _said("fork", line, timestamp=T),
        *(_said("other", f"o{number}", timestamp=T + number) for number in range(5)),
    )
    with Projection.open(journal_dir) as projection:
        for project, session in (("web", "first"), ("api", "fork")):
            found = projection.search("quokka", include_replays=True, project=project)
            assert [hit.session for hit in found] == [session]


def test_an_async_store_has_them_too(journal_dir: Path) -> None:
    """`AsyncSessionStore` counts and filters as the other handles."""
    _append(journal_dir, *_EVENTS)
    asyncio.run(_ask_async(journal_dir))


async def _ask_async(path: Path) -> None:
    async with AsyncSessionStore(SessionStore.open(path)) as store:
        assert [row.name for row in await store.facets(by="tool")] == [
            "Edit",
            "Read",
            "apply_patch",
            "shell",
        ]
        assert [view.session for view in await store.sessions(tool="Read")] == ["loose"]
