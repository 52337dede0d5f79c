"""Replaces Hermes's `SessionDB` with ours in a running process."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from projector.adapters.hermes.session_db import SessionDB

if TYPE_CHECKING:
    from types import ModuleType

_MODULE, _NAME = "hermes_state", "SessionDB"
_replaced: dict[ModuleType, type] = {}
"""The modules that have our class, and the class that each had before."""


def install(*, redact: bool = True) -> type:
    """Replace Hermes's `SessionDB` with ours in every module that has imported it.

    A module that imports it later gets ours too. Open handles are not replaced: call this before
    Hermes starts. A second call replaces nothing.

    Args:
        redact: whether handles that are opened from now on replace secrets by marks.

    Returns:
        Hermes's own class.

    Raises:
        ImportError: Hermes is not installed.
    """
    hermes = import_module(_MODULE)
    SessionDB.redact = redact
    if hermes not in _replaced:
        own: type = getattr(hermes, _NAME)
        for module in list(sys.modules.values()):
            if getattr(module, "__dict__", {}).get(_NAME) is own:
                _replaced[module] = own
                setattr(module, _NAME, SessionDB)
    return _replaced[hermes]


def uninstall() -> None:
    """Restore Hermes's own class wherever `install` has replaced it.

    A module that imported ours after `install` keeps it.
    """
    while _replaced:
        module, own = _replaced.popitem()
        setattr(module, _NAME, own)
