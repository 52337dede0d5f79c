"""Fixtures that all tests of imports share."""

from __future__ import annotations

import pytest

from journal.importers.run import following


@pytest.fixture(autouse=True)
def cheap_walks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let walks and checks of all files cost nothing, so that they are due at every interval.

    Otherwise a slow machine makes them rarer, and a test that counts polls misses new files.
    """
    monkeypatch.setattr(following, "_SHARE", 0)
    monkeypatch.setattr(following, "_ALONE", 0)
