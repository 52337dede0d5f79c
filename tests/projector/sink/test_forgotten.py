"""What is forgotten leaves the sink, and the receipt says when."""

from __future__ import annotations

import os
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import orjson
import pytest

from projector import SessionStore
from projector.forgetting.erasures import erasures
from tests.projector.sink.running import in_journal, run
from tests.support.programs import clickhouse
from tests.support.programs.sinks import assert_equal, change, drain

if TYPE_CHECKING:
    from tests.support.programs.clickhouse import Server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clickhouse")]


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
    forgotten = in_journal(journal_dir, "forget", "secret", "--yes")
    assert forgotten.exit_code == 0, forgotten.output
    assert "pending in the sink" in forgotten.stderr
    assert "pending in the sink" in in_journal(journal_dir, "erasures").stdout
    compared = run(journal_dir, "sink", "verify")
    assert compared.exit_code == 5
    assert "pending in the sink" in compared.stdout
    sent = run(journal_dir, "sink", "run", "--once")
    assert "removed from the sink what 1 request to forget named" in sent.stderr
    assert "1 session erased" in sent.stderr
    assert int(clickhouse.run(query)) == 0
    assert "; removed from the sink" in in_journal(journal_dir, "erasures").stdout
    compared = run(journal_dir, "sink", "verify")
    assert (compared.exit_code, "is removed from the sink" in compared.stdout) == (0, True)
    assert_equal(journal_dir, table)
    until = time.monotonic() + 60
    while is_anywhere("mausoleumword", clickhouse.folder()) and time.monotonic() < until:
        time.sleep(0.5)
    assert not is_anywhere("mausoleumword", clickhouse.folder())


def test_what_no_search_finds_is_pending_until_its_row_is_erased(
    journal_dir: Path, server: Server, table: str
) -> None:
    """A removed message that is forgotten: the documents are equal, and an older row has its text.

    The receipt keeps its numbers when a later one says that the sink has it no more, and a drainer
    that was killed before it could say so does not keep that from being said.
    """
    del server
    with SessionStore.open(journal_dir) as store:
        store.append("s", "user", "the cenotaphword", id="m1")
        store.append("s", "user", "something else", id="m2")
        drain(journal_dir)
        store.remove_messages("s", ["m1"])
        drain(journal_dir)
    query = f"SELECT count() FROM {table} WHERE position(text, 'cenotaphword') > 0"
    assert int(clickhouse.run(query)) == 1
    forgotten = in_journal(journal_dir, "forget", "--message", "s", "m1", "--yes", "--json")
    assert forgotten.exit_code == 0, forgotten.output
    assert orjson.loads(forgotten.stdout)["outcome"]["sink"] == "pending"
    compared = run(journal_dir, "sink", "verify", "--json")
    assert compared.exit_code == 7
    assert orjson.loads(compared.stdout)["forgotten"] == "pending"
    drain(journal_dir)
    assert int(clickhouse.run(query)) == 0
    [receipt] = [each.receipt for each in erasures(journal_dir)]
    assert receipt is not None
    assert (receipt.sink, receipt.lines) == ("pending", 2)
    done = in_journal(journal_dir, "forget", "--finish")
    assert "removed from the sink" in done.stdout
    [receipt] = [each.receipt for each in erasures(journal_dir)]
    assert receipt is not None
    assert (receipt.sink, receipt.lines) == ("removed", 2)


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
