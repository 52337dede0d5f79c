"""Requests to forget are counted from the projection alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from journal import Journal
from projector.errors import NotFinished
from projector.forgetting import finish
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from projector.projection import Projection
from projector.views.browsing.requests import count_requests

if TYPE_CHECKING:
    from pathlib import Path


def test_requests_are_counted_and_those_without_a_receipt(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None, one that is finished, and one more whose bytes are not removed yet."""
    with Journal.open(journal_dir, fsync="never") as journal:
        for name in ("s1", "s2", "s3"):
            journal.append_message(name, "user", f"a word of {name}", id="m1")
    assert _counted(journal_dir) == (0, 0)
    forget(journal_dir, Selection(sessions=("s1",)))
    assert _counted(journal_dir) == (1, 0)
    monkeypatch.setattr(finish, "erase", _fail)
    with pytest.raises(NotFinished):
        forget(journal_dir, Selection(sessions=("s2",)))
    assert _counted(journal_dir) == (2, 1)


def _fail(*_: object, **__: object) -> None:
    raise OSError("the disk is full")


def _counted(path: Path) -> tuple[int, int]:
    with Projection.open(path) as projection:
        return projection.read(count_requests)[0]
