"""What is forgotten on one machine is hidden on all, and its bytes leave all of them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from projector.relay.fleet.erased import receipts
from tests.support.relay.fleet import Machine, assert_same

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.relay.servers import Server


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
    asked = b.run("forget", "a", "--yes")
    assert asked.exit_code == 7, asked.output
    a.ids.clear()
    b.relay()
    for machine in (a, c):
        machine.relay()
        assert machine.found() == {"b1"}
    done = a.run("forget", "--finish")
    assert done.exit_code == 0, done.output
    for machine in (a, b, c, a):
        machine.relay()
    for machine in (b, c):
        finished = machine.run("forget", "--finish")
        assert finished.exit_code == 0, finished.output
    assert_same(a, b, c)
    for folder in (a.path, b.path, c.path, server.store):
        assert _files_with(folder, secret) == []
    late = Machine(tmp_path / "late", server.url)
    late.relay()
    assert late.found() == {"b1"}
    assert _files_with(late.path, secret) == []


def test_a_receipt_names_the_machines_that_are_pending(server: Server, tmp_path: Path) -> None:
    """A machine that has not reported the rewritten segment may have the old one.

    Neither machine is connected when the other one is: each leaves its report.
    """
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    assert_same(a, b)
    assert a.run("forget", "a", "--yes").exit_code == 0
    a.relay()
    [receipt] = receipts(a.directory, None)
    assert (receipt.name, receipt.replaced, receipt.pending) == ("b", 0, 1)
    shown = a.run("relay", "erased")
    assert (shown.exit_code, "1 segment pending" in shown.stdout) == (8, True)
    b.relay()
    a.relay()
    [receipt] = receipts(a.directory, "a")
    assert (receipt.replaced, receipt.pending) == (1, 0)
    assert a.run("relay", "erased", "a").exit_code == 0
    a.ids.clear()
    assert_same(a, b)
    unknown = a.run("relay", "erased", "b")
    assert (unknown.exit_code, "no request forgets" in unknown.stderr) == (3, True)
