"""What is known of a session, as lines above its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.cli.kit.clean import one_line
from journal.cli.kit.output import Styled, print_line
from journal.cli.kit.times import format_local_time
from journal.errors import counted
from projector.cli.show.resume import resume

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projector.views.sessions import SessionView
    from projector.views.usage import UsageRow

_USED = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "read from cache",
    "cache_write_tokens": "written to cache",
    "reasoning_tokens": "reasoning",
}
_COMMIT = 10
"""Characters of a commit: git takes so many."""
_MICRO = 1_000_000
_CHILDREN = 10
"""Sessions below one that are named; more are counted."""


def print_header(
    session: SessionView, children: Sequence[SessionView], used: UsageRow | None
) -> None:
    """Write the title of a session, and an indented line for each thing that is known of it.

    Args:
        session: the session.
        children: the sessions that it is the parent of.
        used: what its calls used and cost; None if it has none.

    Raises:
        OSError: standard output cannot be written.
    """
    print_line(Styled(session.title or session.session, bold=True))
    for name, value in _lines(session, children, used):
        # indented, as a title may look like a line
        print_line("  ", Styled(f"{name:<9}", dim=True), value)


def _lines(
    session: SessionView, children: Sequence[SessionView], used: UsageRow | None
) -> Iterator[tuple[str, str]]:
    yield "session", session.session
    known = (session.source, session.model)
    yield from _if_any("source", ", ".join(filter(None, known)))
    at = ", ".join(filter(None, (session.branch, (session.commit or "")[:_COMMIT])))
    yield from _if_any("project", f"{session.cwd or ''}{f' ({at})' if at else ''}".strip())
    yield from _if_any("time", _period(session))
    if session.gone is not None:
        yield "gone", f"since {format_local_time(session.gone, 'minutes')} only the journal has it"
    counts = [counted(session.messages, "message")]
    counts += [counted(session.replays, "replay")] if session.replays else []
    counts += [counted(session.tool_calls, "tool call")] if session.tool_calls else []
    yield "holds", ", ".join(counts)
    yield from _if_any("tokens", _tokens(session))
    yield from _if_any("cost", _cost(session, used))
    if session.parent is not None:
        relation = session.relation or "continues it"
        yield "parent", f"{one_line(session.parent)} ({relation})"
    yield from _children(children)
    found = resume(session)
    if found is not None and found.command is not None:
        yield "resume", found.command
    if found is not None and found.note is not None:
        yield "", found.note


def _if_any(name: str, value: str) -> Iterator[tuple[str, str]]:
    if value:
        yield name, value


def _period(session: SessionView) -> str:
    times = [
        None if time is None else format_local_time(time, "minutes")
        for time in (session.started, session.last)
    ]
    period = " to ".join(dict.fromkeys(filter(None, times)))
    return f"{period}, ended: {session.end_reason}" if session.end_reason else period


def _tokens(session: SessionView) -> str:
    used = [
        f"{session.usage[name]:,} {word}" for name, word in _USED.items() if session.usage.get(name)
    ]
    calls = session.usage.get("api_calls")
    return ", ".join([*used, counted(int(calls), "call")] if calls and used else used)


def _cost(session: SessionView, used: UsageRow | None) -> str:
    """Return what is known of the cost, and the models of which no price is known."""
    if used is None:
        return ""
    unpriced = ", ".join(one_line(model) if model else "(no model)" for model in used.unpriced)
    without = f"no price is known of {unpriced}"
    if used.cost is None:
        return f"unknown: {without}"
    known = f"${used.cost / _MICRO:,.4f}"
    if unpriced:
        return f"{known}+, {without}"
    own = session.usage
    is_estimate = "estimated_cost" in own and "actual_cost" not in own
    return f"{known}, as its source estimates" if is_estimate else known


def _children(children: Sequence[SessionView]) -> Iterator[tuple[str, str]]:
    for number, child in enumerate(children[:_CHILDREN]):
        relation = child.relation or "child"
        title = child.title or child.preview
        about = f"{relation} {one_line(child.session)}{f': {title}' if title else ''}"
        yield "below" if number == 0 else "", about
    if len(children) > _CHILDREN:
        yield "", f"and {len(children) - _CHILDREN:,} more: see `projector sessions --tree`"
