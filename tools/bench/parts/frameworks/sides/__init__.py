"""The stores: a module for each framework, imported in its environment only."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.bench.parts.frameworks.counting import Batch

TEXT = "The lexer drops the character behind an escaped quote, so the parser sees no end. " * 3
"""What an item says behind its name."""


class Again(Exception):  # noqa: N818 - an answer, no error
    """Another process has changed the session: it must be loaded again before the add."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a session has.

    Attributes:
        names: of its items, in order.
        conflicts: items that were added to a state which another item had changed already.
    """

    names: Sequence[str]
    conflicts: int = 0


class Side(Protocol):
    """A store that a process has open; it is opened with the folder that it is in."""

    def __init__(self, folder: str) -> None: ...

    async def load(self, session: str) -> None:
        """Make a session if there is none, and learn what an add must know of it."""

    async def add(self, session: str, batch: Batch) -> None:
        """Add items to a session.

        Raises:
            Again: the session must be loaded again.
        """

    async def read(self, session: str) -> Found:
        """Return what a session has."""

    async def close(self) -> None:
        """Close the store."""


def side_of(framework: str, side: str) -> type[Side]:
    """Return the class of a store: `ours` or `theirs`; it takes a folder."""
    module = import_module(f"{__name__}.{framework}")
    found: type[Side] = {"ours": module.Ours, "theirs": module.Theirs}[side]
    return found


def batch_size(framework: str) -> int:
    """Return how many items an add of a framework's store takes in the measurement."""
    size: int = import_module(f"{__name__}.{framework}").BATCH
    return size


def name_in(text: str) -> str:
    """Return the name of the item that says a text."""
    return text.split(maxsplit=1)[0]
