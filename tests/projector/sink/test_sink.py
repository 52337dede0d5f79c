"""The sink: whatever happens to it and to its drainer, it ends up equal to the projection."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from random import Random
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from journal.fs.directory import open_directory
from projector import Projection, SessionStore
from projector.outbox import PROGRESS
from projector.sink.config import Config, read_config, write_config
from projector.sink.errors import SinkError
from projector.sink.verify import compare
from tests.projector.sink.running import in_journal, run
from tests.support.programs import clickhouse
from tests.support.programs.sinks import assert_equal, change, drain

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.programs.clickhouse import Server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clickhouse")]


def test_a_drainer_that_dies_at_any_step_ends_equal(
    journal_dir: Path, server: Server, table: str
) -> None:
    """Before a statement is run, or after it; what it had not noted is sent again."""
    random = Random(5)  # noqa: S311 - reproducible, not secret
    died = 0
    with SessionStore.open(journal_dir) as store:
        for step in range(16):
            change(store, random, 30)
            start = server.requests

            def die(number: int, at: int = start + 1 + step // 2) -> bool:
                return number == at

            setattr(server, "before" if step % 2 else "after", die)
            try:
                drain(journal_dir, batch=random.choice([9, 1000]))
            except SinkError:  # the connection is gone
                died += 1
            server.before = server.after = lambda _: False
            if step % 5 == 4:
                drain(journal_dir)
                assert_equal(journal_dir, table)
    drain(journal_dir)
    assert_equal(journal_dir, table)
    assert died > 4


def test_a_program_that_is_killed_ends_equal(journal_dir: Path, server: Server, table: str) -> None:
    """With SIGKILL, at statements of its first pass and of its outbox."""
    command = [sys.executable, "-m", "projector", "--journal", str(journal_dir), "sink", "run"]
    random = Random(6)  # noqa: S311 - reproducible, not secret
    with SessionStore.open(journal_dir) as store:
        for at in (4, 5, 2):
            change(store, random, 40)
            process = subprocess.Popen([*command, "--once"], stderr=subprocess.DEVNULL)
            start = server.requests

            def kill(number: int, pid: int = process.pid, at: int = start + at) -> bool:
                if number == at:
                    os.kill(pid, 9)
                return number == at

            server.after = kill
            assert process.wait(60) in (-9, 0)
            server.after = lambda _: False
    drain(journal_dir)
    assert_equal(journal_dir, table)
    assert any(user is not None and user.startswith("Basic ") for user in server.users)


def test_batches_that_are_sent_twice_change_nothing(
    journal_dir: Path, server: Server, table: str
) -> None:
    """As when the drainer could not note what it had sent."""
    del server
    random = Random(7)  # noqa: S311 - reproducible, not secret
    folder = journal_dir / "projection"
    with SessionStore.open(journal_dir) as store:
        change(store, random, 60)
        drain(journal_dir)
        noted = (folder / PROGRESS).read_bytes()
        change(store, random, 60)
        drain(journal_dir)
        (folder / PROGRESS).write_bytes(noted)
        drain(journal_dir)
        assert_equal(journal_dir, table)
        (folder / PROGRESS).unlink()
        drain(journal_dir)
        assert_equal(journal_dir, table)


def test_a_sink_that_was_down_gets_what_it_missed(
    journal_dir: Path, server: Server, table: str
) -> None:
    """The projection goes on meanwhile; also after a rebuild, and if the table is lost."""
    random = Random(8)  # noqa: S311 - reproducible, not secret
    with SessionStore.open(journal_dir) as store:
        change(store, random, 60)
        drain(journal_dir)
        server.is_down = True
        change(store, random, 60)
        with pytest.raises(SinkError, match="the server is down"):
            drain(journal_dir)
        with Projection.open(journal_dir) as projection:
            projection.rebuild()
        change(store, random, 20)
        server.is_down = False
        drain(journal_dir)
        assert_equal(journal_dir, table)
        clickhouse.run(f"DROP TABLE {table} SYNC")
        drain(journal_dir)
        assert_equal(journal_dir, table)
        clickhouse.run(f"INSERT INTO {table} (session, id, version) VALUES ('x', 'y', 1)")
    journal = open_directory(journal_dir)
    with closing(read_config(journal).connect()) as sink:
        assert not compare(journal, sink, None).is_equal
        drain(journal_dir, again=True)
        assert compare(journal, sink, None).is_equal


def test_parts_are_drained_into_one_table(journal_dir: Path, server: Server, table: str) -> None:
    """Each by its own drainer."""
    del server
    random = Random(9)  # noqa: S311 - reproducible, not secret
    with SessionStore.open(journal_dir) as store:
        for _ in range(2):
            change(store, random, 60)
            for part in ("1/2", "2/2"):
                drain(journal_dir, part=part)
            assert_equal(journal_dir, table, "1/2", "2/2")
            assert_equal(journal_dir, table)


def test_without_a_sink_nothing_is_noted(journal_dir: Path) -> None:
    """The outbox is empty; with one it has what changed since, until it was sent."""

    def outbox() -> int:
        query = "SELECT count(*) FROM _outbox"
        with Projection.open(journal_dir) as projection:
            count: int = projection.read(lambda db: db.execute(query).get)[0]
        return count

    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "one")
        assert outbox() == 0
        write_config(open_directory(journal_dir), Config("http://127.0.0.1:1"))
        journal.append_message("s", "user", "two")
        assert outbox() == 1
        down = run(journal_dir, "sink", "run", "--once")
        assert down.exit_code == 1
        assert "cannot reach http://127.0.0.1:1" in down.stderr
        assert run(journal_dir, "sink", "off").exit_code == 0
        journal.append_message("s", "user", "three")
        assert outbox() == 0
    nothing = run(journal_dir, "sink", "run", "--once")
    assert nothing.exit_code == 1
    assert "projector sink use URL" in nothing.stderr


@pytest.mark.parametrize(
    "url", ["ftp://x", "http://", "http://user:pass@host", "localhost:8123", "chdb"]
)
def test_what_is_no_sink_is_wrong_usage(journal_dir: Path, url: str) -> None:
    """The error names what is."""
    open_directory(journal_dir)
    result = run(journal_dir, "sink", "use", url)
    assert result.exit_code == 2
    assert "url" in result.stderr


def test_a_sink_that_another_one_replaces_is_named_with_what_stays_there(
    journal_dir: Path, server: Server, table: str
) -> None:
    """Nothing is erased there any more: the statement that drops it is printed."""
    database, old = table.split(".")
    given = ("sink", "use", server.url, "--database", database, "--table")
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "one")
    drain(journal_dir)
    again = run(journal_dir, *given, old, "--user", "another")
    assert (again.exit_code, "stays" in again.stderr) == (0, False)
    moved = run(journal_dir, *given, f"{old}b")
    assert moved.exit_code == 0
    assert f"the table {table} of {server.url} stays as it is" in moved.stderr
    assert f"DROP TABLE `{database}`.`{old}`" in moved.stderr
    off = run(journal_dir, "sink", "off")
    assert f"DROP TABLE `{database}`.`{old}b`" in off.stderr
    clickhouse.run(f"DROP TABLE `{database}`.`{old}`")


def test_a_sink_that_has_what_was_forgotten_is_not_replaced(
    journal_dir: Path, server: Server, table: str
) -> None:
    """The receipt would say that it is erased as soon as the new one is complete."""
    database, old = table.split(".")
    given = ("sink", "use", server.url, "--database", database, "--table", f"{old}b")
    with SessionStore.open(journal_dir) as store:
        store.append("secret", "user", "the mausoleumword is here")
    drain(journal_dir)
    assert in_journal(journal_dir, "forget", "secret", "--yes").exit_code == 0
    refused = run(journal_dir, *given)
    assert refused.exit_code == 1
    assert f"the table {table} of {server.url} may still have what 1 request" in refused.stderr
    assert read_config(open_directory(journal_dir)).table == old
    assert run(journal_dir, "sink", "run", "--once").exit_code == 0
    assert run(journal_dir, *given).exit_code == 0
    assert "; removed from the sink" in in_journal(journal_dir, "erasures").stdout
