"""What is forgotten on one machine is hidden on all, and its bytes leave all of them."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from click.testing import CliRunner

from journal.cli import cli
from journal.process import clock
from projector.relay.erased import receipts
from projector.relay.have import Have
from projector.relay.identity import RELAY
from projector.relay.state import STATE, State
from tests.support.relay.fleet import Machine, assert_same

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.support.relay.servers import Server


def _run(machine: Machine, *arguments: object) -> Result:
    return CliRunner().invoke(cli, ["--journal", str(machine.path), *map(str, arguments)])


def _files_with(folder: Path, text: str) -> list[Path]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in found if text.encode() in path.read_bytes()]


def test_what_another_machine_forgets_is_erased_by_its_origin_and_everywhere(
    server: Server, tmp_path: Path
) -> None:
    """Hidden where the request arrives; then gone from lanes, mirrors, databases and the server."""
    a, b, c = (Machine(tmp_path / name, server.url) for name in "abc")
    secret = secrets.token_hex(16)
    a.append("a1", content=secret)
    b.append("b1")
    assert_same(a, b, c)
    for folder in (a.path, b.path, c.path, server.store):
        assert _files_with(folder, secret)
    asked = _run(b, "forget", "a", "--yes")
    assert asked.exit_code == 7, asked.output
    a.ids.clear()
    b.relay()
    for machine in (a, c):
        machine.relay()
        assert machine.found() == {"b1"}
    done = _run(a, "forget", "--finish")
    assert done.exit_code == 0, done.output
    for machine in (a, b, c, a):
        machine.relay()
    for machine in (b, c):
        finished = _run(machine, "forget", "--finish")
        assert finished.exit_code == 0, finished.output
    assert_same(a, b, c)
    for folder in (a.path, b.path, c.path, server.store):
        assert _files_with(folder, secret) == []
    late = Machine(tmp_path / "late", server.url)
    late.relay()
    assert late.found() == {"b1"}
    assert _files_with(late.path, secret) == []


def test_a_receipt_names_the_machines_that_are_pending(server: Server, tmp_path: Path) -> None:
    """A machine that has not reported the rewritten segment may have the old one."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    assert_same(a, b)
    assert _run(a, "forget", "a", "--yes").exit_code == 0
    a.relay()
    report = Have("m", [], "b", "1", clock.wall(), 1, "h", {}, 0, [])
    with State(a.path / RELAY / STATE) as state:
        state.note_peer("m", clock.wall(), report.encode().decode())
    [receipt] = receipts(a.directory, None)
    assert (receipt.name, receipt.replaced, receipt.pending) == ("b", 0, 1)
    shown = _run(a, "relay", "erased")
    assert (shown.exit_code, "1 segment pending" in shown.stdout) == (8, True)
    b.relay()
    mirrors = [path.read_bytes() for path in b.path.glob("lanes/m-*/*.jsonl")]
    [name] = [content for content in mirrors if b'"supersedes"' in content]
    there = replace(report, rewritten=[name.split(b'"segment":"')[1][:36].decode()])
    with State(a.path / RELAY / STATE) as state:
        state.note_peer("m", clock.wall(), there.encode().decode())
    [receipt] = receipts(a.directory, None)
    assert (receipt.replaced, receipt.pending) == (1, 0)
    assert _run(a, "relay", "erased").exit_code == 0
    assert receipts(a.directory, "no-request")[0].replaced == 0
