"""The VFS that keeps checksums is found, quickly where wheels have it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import apsw
from apsw import sqlite_extra

from projector.db import checksums

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_library_of_a_wheel_is_found_without_a_search() -> None:
    """A search for it takes longer than all else that a first query opens."""
    code = (
        "import sys; from projector.db.checksums import vfs;"
        " print(vfs(), 'apsw.sqlite_extra' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True, timeout=60
    )
    assert found.stdout == "cksmvfs False\n"


def test_a_library_elsewhere_is_found_by_a_search(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not every system names a library as Linux does."""
    there = sqlite_extra.path("cksumvfs")
    assert checksums._library() == there
    monkeypatch.setattr(apsw, "__file__", str(tmp_path / "apsw.so"))
    assert checksums._library() == there


def test_an_apsw_without_it_has_no_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The projection has no checksums then."""
    monkeypatch.setattr(apsw, "__file__", str(tmp_path / "apsw.so"))
    monkeypatch.setattr(sqlite_extra, "has", lambda _: None)
    assert checksums._library() is None
