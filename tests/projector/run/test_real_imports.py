"""Real transcripts, imported repeatedly, as they grow, and in any order, give one digest."""

from __future__ import annotations

import itertools
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from projector import Projection
from tests.support.transcripts import DATA, REAL, import_all

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def _digest(journal: Path) -> tuple[str, int]:
    with Projection.open(journal) as projection:
        return projection.digest(), projection.status().messages


@REAL
def test_importing_everything_twice_changes_nothing(tmp_path: Path) -> None:
    """A second import changes neither the digest nor a count."""
    folders = [DATA / name for name in ("claude-code", "codex", "openai-messages")]
    report = import_all(tmp_path / "j", *folders)
    before = _digest(tmp_path / "j")
    with Projection.open(tmp_path / "j") as projection:
        names = {view.session for view in projection.sessions(limit=10**6)}
    assert names == report.sessions
    assert before[1] > 14_000
    import_all(tmp_path / "j", *folders)
    assert _digest(tmp_path / "j") == before
    subprocess.run(
        [sys.executable, "-c", "from projector.cli import main; main()", "rebuild"],
        env={"JOURNAL_DIR": str(tmp_path / "j")},
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert _digest(tmp_path / "j") == before


@REAL
@pytest.mark.parametrize(
    "folder", sorted(path.relative_to(DATA).as_posix() for path in DATA.glob("*/*-growth/*"))
)
def test_a_session_that_grew_has_one_digest(tmp_path: Path, folder: str) -> None:
    """Importing snapshots one by one gives the digest of the last snapshot alone."""
    snapshots = sorted((DATA / folder).iterdir())
    for snapshot in snapshots:
        import_all(tmp_path / "grown", snapshot)
        grown = _digest(tmp_path / "grown")
    import_all(tmp_path / "alone", snapshots[-1])
    assert grown == _digest(tmp_path / "alone")
    assert grown[1] > 0


@REAL
def test_slices_give_one_digest_in_any_order(tmp_path: Path) -> None:
    """Four disjoint parts of a session give one digest, in any order, with projections between."""
    slices = sorted((DATA / "claude-code").glob("slices-*/*"))
    assert len(slices) == 4
    digests = set()
    for number, order in enumerate(itertools.islice(itertools.permutations(slices), 0, None, 3)):
        journal = tmp_path / str(number)
        for part in order:
            import_all(journal, part)
            if number % 2:
                _digest(journal)
        digests.add(_digest(journal))
    assert len(digests) == 1
