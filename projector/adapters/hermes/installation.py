"""Putting our `SessionDB` in place of Hermes's."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from projector.adapters.hermes.session_db import SessionDB

if TYPE_CHECKING:
    from types import ModuleType

_MODULE, _NAME = "hermes_state", "SessionDB"
_replaced: dict[ModuleType, type] = {}
"""The modules that were given our class, and the one that they had."""


def install() -> type:
    """Put our `SessionDB` in place of Hermes's, wherever a module has it by now.

    Modules that import it later get ours, too. Handles that are open stay what they are: call this
    before Hermes's own start. Again does nothing.

    Returns:
        Hermes's own class.

    Raises:
        ImportError: there is no Hermes.
    """
    hermes = import_module(_MODULE)
    if hermes not in _replaced:
        own: type = getattr(hermes, _NAME)
        for module in list(sys.modules.values()):
            if getattr(module, "__dict__", {}).get(_NAME) is own:
                _replaced[module] = own
                setattr(module, _NAME, SessionDB)
    return _replaced[hermes]


def uninstall() -> None:
    """Put Hermes's own class back wherever `install` has replaced it.

    A module that has imported ours meanwhile keeps it.
    """
    while _replaced:
        module, own = _replaced.popitem()
        setattr(module, _NAME, own)
