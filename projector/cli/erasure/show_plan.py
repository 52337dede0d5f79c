"""A plan to forget, as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from journal.cli.kit.clean import one_line
from journal.cli.kit.counts import counted
from journal.cli.kit.output import Styled, print_line
from journal.cli.kit.times import format_local_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from projector.forgetting.plan import ForgottenKey, ForgottenMessage, ForgottenSession, Plan

_MOST = 20
"""Entries of each list that are shown; JSON has all."""

_Entry = TypeVar("_Entry")


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as a JSON object."""
    found = asdict(plan)
    del found["names"], found["query"], found["wanted"], found["unknown_pins"]
    return found


def show_plan(plan: Plan) -> None:
    """Write what a plan would forget, for people."""
    _show("sessions", plan.sessions, _session)
    _show("messages", plan.messages, _message)
    _show("messages of other sessions that repeat them", plan.replays, _message)
    _show("key-values that mention a session", plan.keys, _key)
    _show("sessions that lose their parent", plan.children, one_line)
    print_line(f"in all {counted(plan.events, 'event')}")


def _show(head: str, entries: Sequence[_Entry], show: Callable[[_Entry], str | Styled]) -> None:
    if not entries:
        return
    print_line(Styled(f"{head}: {len(entries):,}", bold=True))
    for entry in entries[:_MOST]:
        print_line("  ", show(entry))
    if len(entries) > _MOST:
        print_line(f"  and {len(entries) - _MOST:,} more; --json lists all")


def _session(session: ForgottenSession) -> str:
    title = f"{session.title}: " if session.title else ""
    known = f"{one_line(session.session):<38} {counted(session.messages, 'message'):>15}"
    return f"{known}  {one_line(session.source or ''):<10}  {title}{session.words}".rstrip()


def _message(message: ForgottenMessage) -> str:
    at = format_local_time(message.time, "minutes")
    return f"{message.session}  {at}  {message.role or ''}  {message.words}"


def _key(key: ForgottenKey) -> str:
    return f"{key.namespace}  {key.key}"
