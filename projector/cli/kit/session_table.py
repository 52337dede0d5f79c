"""The table of sessions: one a line, on a terminal with short ids and cut to its width."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.cli.kit.output import Styled
from journal.cli.kit.terminal.table import Column, print_table
from journal.cli.kit.times import format_local_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from projector.views.session_tree import SessionNode

_COLUMNS = (
    Column(),
    Column(rank=2),
    Column(right=True, rank=3),
    Column(least=8, rank=4),
    Column(least=10),
)
"""Id, time of the last message, messages, source, title."""
_DEPTH = 5
"""Levels of a tree that are indented on a terminal; deeper ones stand at the last."""


def print_sessions(nodes: Sequence[SessionNode], names: Mapping[str, str] | None) -> None:
    """Write a line for each session; below its parent it is indented.

    Args:
        nodes: the sessions.
        names: short ids; None to write whole ids and the whole tree.
    """
    print_table(_COLUMNS, [_cells(node, names) for node in nodes])


def _cells(node: SessionNode, names: Mapping[str, str] | None) -> tuple[str | Styled, ...]:
    view = node.view
    depth = node.depth if names is None else min(node.depth, _DEPTH)
    name = view.session if names is None else names.get(view.session, view.session)
    return (
        "  " * depth + name,
        "" if view.last is None else format_local_time(view.last, "minutes"),
        f"{view.messages:,}",
        view.source or "",
        Styled(view.title, bold=True) if view.title else view.preview,
    )
