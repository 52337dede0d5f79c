"""A search of a sink finds what the projection finds, and refuses what it cannot answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
import pytest

from journal import Journal
from projector import Projection, SessionStore
from projector.outbox import PROGRESS
from projector.sink import asking
from projector.sink.errors import NotAsked
from projector.sink.search import SinkSearch
from tests.projector.sink.running import run
from tests.support.programs import clickhouse
from tests.support.programs.sinks import assert_equal, drain

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.programs.clickhouse import Server

THIS = object()
"""In the place of the uuid of this machine."""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clickhouse")]


def test_a_search_of_the_sink_finds_what_the_projection_finds(
    journal_dir: Path, server: Server
) -> None:
    """The newest first, whatever the scripts and signs are."""
    texts = {
        "a": "Straße und École in 北京大学",
        "b": "get_user_name failed: connection refused",
        "c": "C++ is no C, and café au lait",
        "d": "it's a quote's end \\ backslash",
        "e": "東京 (Tokyo) and Seoul 서울에서",
        "f": "connections are refused",
    }
    with Journal.open(journal_dir) as journal:
        for n, (id, text) in enumerate(texts.items()):
            journal.append_message("s", "user", text, id=id, timestamp=1_770_000_000_000_000 + n)
    table = f"t{uuid4().hex}"
    used = run(journal_dir, "sink", "use", server.url, "--database", "tests", "--table", table)
    assert used.exit_code == 0, used.stderr
    assert run(journal_dir, "sink", "run", "--once").exit_code == 0
    queries = (
        *("ecole", "北京", "大学", "get_user_name", '"connection refused"', "connection*", "C++"),
        *("it's", "quote", "東京", "서울", "refused NOT user", "tokyo OR cafe", "zebra", "京"),
    )
    with Projection.open(journal_dir) as projection:
        for query in queries:
            wanted = [hit.id for hit in projection.search(query, sort="newest", enough=0)]
            result = run(journal_dir, "search", "--sink", "--json", query)
            assert result.exit_code == 0, result.stderr
            found = [hit["id"] for hit in orjson.loads(result.stdout)["hits"]]
            assert found == wanted, query
    refused = run(journal_dir, "search", "--sink", "x", "--include-replays")
    assert refused.exit_code == 2
    assert "no replays" in refused.stderr


OF_MESSAGES: tuple[dict[str, Any], ...] = (
    {"role": "user"},
    {"role": "user", "include_meta": True},
    {"role": "tool"},
    {"tool": "Bash"},
    {"tool": "Edit", "role": "assistant"},
    {"file": "src/a.py"},
    {"has": "errors"},
    {"machine": THIS},
    {"session": "s1", "since": 1_770_000_000_000_002},
    {"until": 1_770_000_000_000_002},
)
"""Filters by what a message has for itself."""
OF_SESSIONS: tuple[dict[str, Any], ...] = (
    {"source": "cli"},
    {"source": "web"},
    {"model": "m-2"},
    {"branch": "main"},
    {"project": "web"},
    {"project": "/home/me/api"},
    {"file": "/home/me/web/src/a.py"},
    {"subagents": False},
)
"""Filters by what a session may give to its messages."""
OF_NOTHING: tuple[dict[str, Any], ...] = (
    {"machine": "nobody"},
    {"project": "nowhere"},
    {"file": "other/src/a.py"},
    {"session": "helper", "subagents": False},
)


def fill_for_filters(journal_dir: Path) -> None:
    """Append sessions and messages that each filter finds some of, and their machine's."""
    edits = [{"function": {"name": "Edit", "arguments": '{"file_path": "src/a.py"}'}}]
    runs = [{"name": "Bash", "arguments": {"path": "/home/me/web/src/a.py"}}]
    messages: list[tuple[str, dict[str, Any]]] = [
        ("s1", {"role": "user"}),
        ("s1", {"role": "user", "meta": "hook"}),
        ("s1", {"role": "assistant", "tool_calls": edits, "model": "m-2"}),
        ("s2", {"role": "assistant", "tool_calls": runs, "source": "web"}),
        ("s2", {"role": "tool", "tool_name": "Bash", "extra": {"exit_code": 1}}),
        ("s2", {"role": "user", "extra": {"git_branch": "topic"}}),
        ("helper", {"role": "assistant", "tool_calls": edits}),
    ]
    web: dict[str, Any] = {"source": "cli", "model": "m-1", "branch": "main"}
    web["cwd"] = "/home/me/web"
    api: dict[str, Any] = {"source": "telegram", "model": "m-2", "cwd": "/home/me/api"}
    with SessionStore.open(journal_dir) as store:
        store.create("s1", **web)
        store.create("s2", **api)
        store.create("helper", parent="s1", relation="subagent", cwd="/home/me/web")
        for n, (session, data) in enumerate(messages):
            at = 1_770_000_000_000_000 + n
            store.append(session, content="the common word", id=f"m{n}", timestamp=at, **data)


def test_a_sink_filters_as_the_projection_does(
    journal_dir: Path, server: Server, table: str
) -> None:
    """By what a message has for itself, and what its session gives it, also when that changed."""
    del server, table
    fill_for_filters(journal_dir)
    drain(journal_dir)
    with Projection.open(journal_dir) as projection, SinkSearch(journal_dir) as sink:

        def found(filters: dict[str, Any]) -> list[str]:
            name = projection.machines().machine
            asked: dict[str, Any] = {n: name if v is THIS else v for n, v in filters.items()}
            wanted = [h.id for h in projection.search("common", sort="newest", enough=0, **asked)]
            assert [h.id for h in sink.search("common", **asked)] == wanted, filters
            return wanted

        for filters in (*OF_MESSAGES, *OF_SESSIONS):
            assert found(filters), filters
        for filters in OF_NOTHING:
            assert not found(filters), filters
        # its messages are not sent again
        with Journal.open(journal_dir) as journal:
            moved = {"cwd": "/home/me/api", "model": "m-2", "source": "web"}
            journal.append(session="s1", type="session.revised", data=moved)
        assert found({"project": "/home/me/api"}) == ["m5", "m4", "m3", "m2", "m1", "m0"]
        for filters in OF_SESSIONS:
            found(filters)


def test_a_sink_refuses_what_it_has_not(
    journal_dir: Path, server: Server, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replays, patterns, an order by age, and a filter that too many sessions pass."""
    del server, table
    fill_for_filters(journal_dir)
    drain(journal_dir)
    monkeypatch.setattr(asking, "MOST", 1)
    refused: tuple[tuple[str, dict[str, Any]], ...] = (
        ("no replays", {"include_replays": True}),
        ("leave --sink out for --regex", {"mode": "regex"}),
        ("the newest first", {"sort": "oldest"}),
        ("each by itself", {"group": "session"}),
        ("more than 1 sessions have the project", {"project": "/home/me/web"}),
    )
    with SinkSearch(journal_dir) as sink:
        for why, asked in refused:
            with pytest.raises(NotAsked, match=why):
                sink.search("common", **asked)
        assert len(sink.search("common", project="/home/me/api").hits) == 3


def test_a_table_of_an_earlier_version_gets_its_columns(
    journal_dir: Path, server: Server, table: str
) -> None:
    """And all documents again, as the new columns have values of them."""
    del server
    fill_for_filters(journal_dir)
    drain(journal_dir)
    folder = journal_dir / "projection"
    earlier = orjson.loads((folder / PROGRESS).read_bytes())
    del earlier["form"]
    (folder / PROGRESS).write_bytes(orjson.dumps(earlier))
    clickhouse.run(f"ALTER TABLE {table} DROP COLUMN tools, DROP COLUMN meta")
    assert drain(journal_dir).documents == 7
    assert_equal(journal_dir, table)
