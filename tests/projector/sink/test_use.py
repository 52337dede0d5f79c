"""What `projector sink use` refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from journal import Journal
from tests.projector.sink.running import run
from tests.support.programs import clickhouse

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("url", ["chdb://folder/inside", "chdb://", "chdb:///", "foo://x", "http:"])
def test_an_address_that_names_no_folder_and_no_server(journal_dir: Path, url: str) -> None:
    """With two slashes the first folder would be a host, and the second one be in the root."""
    Journal.open(journal_dir).close()
    done = run(journal_dir, "sink", "use", url)
    assert done.exit_code == 2
    assert "chdb:///FOLDER" in done.stderr
    assert not (journal_dir / "sink.toml").exists()


@pytest.mark.slow
@pytest.mark.xdist_group("clickhouse")
def test_a_folder_that_cannot_be_made_is_one_short_line(journal_dir: Path) -> None:
    """ClickHouse adds the stack of its functions to each error."""
    clickhouse.needed()
    Journal.open(journal_dir).close()
    done = run(journal_dir, "sink", "use", "chdb:///proc/nowhere")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: cannot open /proc/nowhere: ")
    assert "Stack trace" not in done.stderr
    assert len(done.stderr) < 400
