"""The sink: whatever happens to it and to its drainer, it ends up equal to the projection."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING
from uuid import uuid4

import orjson
import pytest
from click.testing import CliRunner

from journal import Journal
from journal.cli import cli as journal_cli
from journal.fs.directory import open_directory
from projector import Projection, SessionStore
from projector.cli import cli
from projector.outbox import PROGRESS
from projector.sink.config import Config, read_config, write_config
from projector.sink.errors import SinkError
from projector.sink.verify import compare
from tests.support.programs import clickhouse
from tests.support.sinks import assert_equal, change, drain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

    from tests.support.programs.clickhouse import Server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clickhouse")]


@pytest.fixture
def server() -> Iterator[Server]:
    """ClickHouse behind HTTP."""
    clickhouse.needed()
    with clickhouse.serving() as server:
        yield server


@pytest.fixture
def table(server: Server, journal_dir: Path) -> str:
    """A table of its own, which the journal names as its sink."""
    name = f"t{uuid4().hex}"
    journal = open_directory(journal_dir)
    write_config(journal, Config(server.url, "tests", name, user="someone"))
    return f"tests.{name}"


def test_a_drainer_that_dies_at_any_step_ends_equal(
    journal_dir: Path, server: Server, table: str
) -> None:
    """Before a statement is run, or after it; what it had not noted is sent again."""
    random = Random(5)  # noqa: S311 - reproducible, not secret
    died = 0
    with SessionStore.open(journal_dir) as store:
        for step in range(24):
            change(store, random, 20)
            start = server.requests

            def die(number: int, at: int = start + 1 + step // 2) -> bool:
                return number == at

            setattr(server, "before" if step % 2 else "after", die)
            try:
                drain(journal_dir, batch=random.choice([3, 1000]))
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
        for at in (4, 5, 2, 2):
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


def run(journal_dir: Path, *arguments: str) -> Result:
    """Run a command of the projector."""
    return CliRunner().invoke(cli, ["--journal", str(journal_dir), *arguments])


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


def test_what_is_forgotten_leaves_the_sink_and_its_files(
    journal_dir: Path, server: Server, table: str
) -> None:
    """All versions of it: the word is in no file of ClickHouse any more."""
    del server
    random = Random(10)  # noqa: S311 - reproducible, not secret
    with SessionStore.open(journal_dir) as store:
        change(store, random, 30)
        store.append("secret", "user", "the mausoleumword is here", id="m1")
        drain(journal_dir)
        store.revise_message("secret", "m1", content="mausoleumword again")
        drain(journal_dir)
    query = f"SELECT count() FROM {table} WHERE position(text, 'mausoleumword') > 0"
    assert int(clickhouse.run(query)) == 2
    assert is_anywhere("mausoleumword", clickhouse.folder())
    forgotten = CliRunner().invoke(
        journal_cli, ["--journal", str(journal_dir), "forget", "secret", "--yes"]
    )
    assert forgotten.exit_code == 0, forgotten.output
    sent = drain(journal_dir)
    assert sent.erased == 1
    assert int(clickhouse.run(query)) == 0
    assert_equal(journal_dir, table)
    until = time.monotonic() + 60
    while is_anywhere("mausoleumword", clickhouse.folder()) and time.monotonic() < until:
        time.sleep(0.5)
    assert not is_anywhere("mausoleumword", clickhouse.folder())


def is_anywhere(word: str, folder: str) -> bool:
    """Return whether a file below a folder has a word, as ClickHouse compresses short blocks."""
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                if word.encode() in Path(root, name).read_bytes():
                    return True
            except FileNotFoundError:
                continue
    return False


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
