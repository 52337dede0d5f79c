"""Real transcripts beside the checkout; tests that need them are skipped without them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from journal.importers.run.driver import Importer

if TYPE_CHECKING:
    from journal.importers.run.report import Report

DATA = Path(__file__).parents[3] / "shared" / "data"
REAL = pytest.mark.skipif(
    not DATA.is_dir(), reason="the real transcripts are not beside this checkout"
)
"""Skips a test that reads real transcripts if they are missing."""


def import_all(journal: Path, *paths: Path) -> Report:
    """Import files and folders into a journal, each in its detected format."""
    with Journal.open(journal, fsync="never") as handle:
        importer = Importer(handle, "auto")
        return importer.run(importer.sources(paths))
