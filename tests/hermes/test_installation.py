"""`install` replaces Hermes's store by ours, and `uninstall` restores Hermes's."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from projector.adapters import hermes
from projector.adapters.hermes import SessionDB, install, uninstall

if TYPE_CHECKING:
    from collections.abc import Iterator


class Theirs:
    """A replacement of Hermes's own class."""


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module like Hermes's."""
    module = ModuleType("hermes_state")
    vars(module)["SessionDB"] = Theirs
    monkeypatch.setitem(sys.modules, "hermes_state", module)
    yield module
    uninstall()


def test_install_replaces_the_class_wherever_it_was_imported(
    state: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Modules that have already imported the class, and later ones, get ours."""
    early = ModuleType("early")
    other = ModuleType("other")
    vars(early)["SessionDB"] = Theirs
    vars(other)["SessionDB"] = int
    for module in (early, other):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    assert install() is Theirs
    assert vars(state)["SessionDB"] is SessionDB
    assert vars(early)["SessionDB"] is SessionDB
    assert vars(other)["SessionDB"] is int, "another class with this name must not change"


def test_uninstall_restores_hermes_own_class(state: ModuleType) -> None:
    """Afterwards all modules have Hermes's class again; our own modules always have ours."""
    before = dict(vars(state))
    assert install() is Theirs
    assert install() is Theirs, "again does nothing"
    uninstall()
    uninstall()
    assert vars(state) == before
    assert hermes.SessionDB is SessionDB


def test_without_hermes_there_is_nothing_to_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Hermes, `install` raises ImportError."""
    monkeypatch.setitem(sys.modules, "hermes_state", None)
    with pytest.raises(ImportError):
        install()
    uninstall()
