"""Names of machines: in search and status, and in no digest."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from journal.cli.kit.exits import NOT_FOUND
from journal.errors import ReadError
from journal.process import clock
from journal.segments.machines import SKEW, read_machines
from projector.relay.fleet.have import parse_have
from projector.relay.fleet.names import note_machines
from projector.relay.folder import copy
from projector.relay.identity import RELAY, become_another
from projector.relay.state import STATE, State
from tests.projector.mcp.asked import ask
from tests.projector.web.served import served
from tests.support.relay.fleet import Machine, assert_same

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.relay.servers import Server


def _hits(where: Machine, **filters: str) -> set[str]:
    with where.open() as projection:
        found = projection.search("hello", **filters)  # type: ignore[arg-type]
        return {hit.id for hit in found.hits}


def test_a_search_is_filtered_by_machine_and_the_digest_is_the_same(
    server: Server, tmp_path: Path
) -> None:
    """Each machine finds by the name of any, its own too; names are in no digest."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1", "a2")
    b.append("b1")
    assert_same(a, b)
    for machine in (a, b):
        uuid = b.status().machine
        assert _hits(machine, machine="a") == {"a1", "a2"}
        assert _hits(machine, machine="b") == _hits(machine, machine=uuid) == {"b1"}
        assert _hits(machine, machine="c") == set()
        assert _hits(machine, machine="a", session="b") == set()
        with machine.open() as projection:
            assert [s.session for s in projection.sessions(machine="b")] == ["b"]
            rows = {
                row.name: (row.messages, row.sessions) for row in projection.facets(by="machine")
            }
            assert rows == {"a": (2, 1), "b": (1, 1)}
            [row] = projection.facets(by="machine", machine="a", source=None)
            assert (row.name, row.messages) == ("a", 2)
            [other] = projection.facets(by="project", machine="b")
            assert (other.name, other.messages) == (None, 1)
    digests = {machine.digest() for machine in (a, b)}
    b.config = replace(b.config, name="renamed", user="b")
    for machine in (b, a):
        machine.relay()
    assert _hits(a, machine="renamed") == _hits(b, machine="renamed") == {"b1"}
    assert {machine.digest() for machine in (a, b)} == digests
    assert len(digests) == 1


def test_a_machine_that_took_a_new_uuid_keeps_its_name(server: Server, tmp_path: Path) -> None:
    """What it wrote before is found by its name, on all machines."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    assert_same(a, b)
    become_another(a.directory)
    a.append("a2")
    assert_same(a, b, kinds=frozenset({"duplicate", "copy"}))
    for machine in (a, b):
        assert _hits(machine, machine="a") == {"a1", "a2"}
    shown = a.run("status")
    assert "retired      lane 1\n" in shown.stdout


def test_a_folder_that_was_copied_brings_names(server: Server, tmp_path: Path) -> None:
    """`journal relay copy` brings the names that the other journal knows."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    b.append("b1")
    assert_same(a, b)
    c = tmp_path / "c"
    with Journal.open(c) as journal:
        journal.append_message("c", "user", "hello c1", id="c1")
    third = Machine.__new__(Machine)
    third.join_as_copy(c, a)
    copy(third.directory, a.path)
    assert _hits(third, machine="b") == {"b1"}
    assert _hits(third, machine=third.directory.uuid) == {"c1"}


def test_status_shows_mirrors_retired_lanes_and_wrong_clocks(
    server: Server, tmp_path: Path
) -> None:
    """`journal status` and `projector status` show them with names, and tell a wrong clock."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    b.append("b1")
    assert_same(a, b)
    uuid = b.status().machine
    for program in ("journal", "projector"):
        shown = json.loads(a.run("status", "--json", program=program).stdout)
        [machine] = shown["machines"]
        assert (machine["machine"], machine["name"], machine["lanes"]) == (uuid, "b", 1)
        assert abs(machine["seen"] - clock.wall()) < 60_000_000
        assert abs(machine["skew"]) < SKEW
        assert shown["retired"] == []
        text = a.run("status", program=program).stdout
        assert f"b ({uuid}): 1 lane, " in text
        assert "clock" not in text
    with_state = [(seen, parse_have(have.encode())) for seen, have in _peers(a)]
    ahead = [(seen, replace(have, clock=have.clock + 3 * SKEW)) for seen, have in with_state]
    note_machines(a.directory, "a", ahead)
    for program in ("journal", "projector"):
        text = a.run("status", program=program).stdout
        assert "its clock is +3.0 hours from ours" in text


def _peers(machine: Machine) -> list[tuple[int, str]]:
    with State(machine.path / RELAY / STATE) as state:
        return list(state.peers().values())


def test_an_unknown_machine_is_named_with_those_that_there_are(
    server: Server, tmp_path: Path
) -> None:
    """The commands end with 3, and name the nearest."""
    a, b = (Machine(tmp_path / name, server.url) for name in ("desk", "laptop"))
    b.append("b1")
    a.append("a1")
    assert_same(a, b)
    for command in (["search", "hello"], ["sessions"], ["sessions", "--tree"], ["facets"]):
        done = a.run(*command, "--machine", "labtop", program="projector")
        assert done.exit_code == NOT_FOUND, command
        assert "nothing has the machine 'labtop'; nearest: laptop" in done.stderr
        done = a.run(*command, "--machine", "laptop", program="projector")
        assert done.exit_code == 0, (command, done.output)
    done = a.run("export", "--format", "md", "--machine", "laptop", program="projector")
    assert "hello b1" in done.stdout
    assert "hello a1" not in done.stdout


@pytest.fixture
def desk(tmp_path: Path) -> Machine:
    """A machine that mirrors another one, whose name is `laptop`."""
    desk, laptop = (Machine(tmp_path / name, "nats://127.0.0.1:1") for name in ("desk", "laptop"))
    for machine in (desk, laptop):
        machine.append(f"of-{machine.name}")
        note_machines(machine.directory, machine.name)
    copy(desk.directory, laptop.path)
    return desk


def test_the_web_pages_filter_by_machine(desk: Machine) -> None:
    """The search counts by machine, and the list of sessions has a choice."""
    with served(desk.path) as viewer:
        found = viewer.json("/search.json?q=hello")
        assert found["facets"]["machine"] == [
            {"name": "desk", "messages": 1},
            {"name": "laptop", "messages": 1},
        ]
        found = viewer.json("/search.json?q=hello&machine=laptop")
        assert [hit["id"] for hit in found["hits"]] == ["of-laptop"]
        assert viewer.json("/search.json?q=hello&machine=other")["hits"] == []
        page = viewer.get("/search?q=hello&machine=laptop").text
        assert '<input type="hidden" name="machine" value="laptop">' in page
        found = viewer.json("/sessions.json?machine=laptop")
        assert [row["session"] for row in found["sessions"]] == ["laptop"]
        page = viewer.get("/sessions?machine=laptop").text
        assert '<option value="laptop" selected>' in page
        assert '<option value="desk">' in page


def test_the_pages_of_one_machine_alone_name_none(tmp_path: Path) -> None:
    """There is nothing to choose."""
    alone = Machine(tmp_path / "alone", "nats://127.0.0.1:1")
    alone.append("a1")
    with served(alone.path) as viewer:
        assert "machine" not in viewer.json("/search.json?q=hello")["facets"]
        assert 'name="machine"' not in viewer.get("/sessions").text


def test_the_tools_of_mcp_filter_by_machine(desk: Machine) -> None:
    """`search` and `sessions` take a name; of one that nothing has, they say which there are."""
    asked: dict[str, dict[str, Any]] = {"search": {"query": "hello"}, "sessions": {}}
    for tool, arguments in asked.items():
        whole = ask(desk.path, tool, **arguments)
        only = ask(desk.path, tool, machine="laptop", **arguments)
        assert (len(whole.heads), len(only.heads)) == (2, 1), only.text
        assert "of-laptop" in only.text
        nothing = ask(desk.path, tool, machine="labtop", **arguments)
        assert "nothing has the machine 'labtop'; the nearest is laptop" in nothing.text


def test_damaged_names_are_an_error(tmp_path: Path) -> None:
    """It says what to do."""
    a = Machine(tmp_path / "a", "nats://127.0.0.1:1")
    assert read_machines(a.directory).name == a.directory.uuid
    note_machines(a.directory, "a")
    assert read_machines(a.directory).name == "a"
    (a.path / RELAY / "machines.json").write_bytes(b"{")
    with pytest.raises(ReadError, match="remove it"):
        read_machines(a.directory)
