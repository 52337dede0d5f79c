"""A plan to forget, as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from journal.cli.kit.clean import one_line
from journal.cli.kit.output import Styled, print_line
from journal.cli.kit.times import format_local_time
from journal.errors import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from projector.forgetting.plan import ForgottenKey, ForgottenMessage, ForgottenSession, Plan
    from projector.forgetting.unneeded.replaced import ReplacedValue

_NAMED = 3
"""Places of one kind with words that stay, of which the names are shown."""
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
    size = sum(value.bytes for value in plan.replaced)
    _show(f"values that were replaced, {counted(size, 'byte')}", plan.replaced, _value)
    _show("sessions that lose their parent, and stay", plan.children, one_line)
    print_line(f"in all {counted(plan.events, 'event')}")


_ELSEWHERE = {
    "session": ("id, title or other field of a session", "journal forget SESSION"),
    "removed": ("removed or deleted message", "journal forget --deleted"),
    "replaced": ("text that a revision replaced", "journal forget --message SESSION ID"),
    "conflict": ("content in conflict", "journal forget --message SESSION ID"),
    "field": ("field of a message beside its text", "journal forget --message SESSION ID"),
    "key": ("key-value", "journal forget --message NAMESPACE ID"),
    "other": ("other event", "journal forget --message SESSION ID"),
}
"""What each kind of `Elsewhere` is, and the command that forgets it."""


def show_elsewhere(plan: Plan) -> None:
    """Write to stderr where what was selected by stays, and how it is forgotten there."""
    has = "the id of a session" if plan.query is None else "these words"
    for kind, (what, command) in _ELSEWHERE.items():
        found = [each for each in plan.elsewhere if each.kind == kind]
        if found:
            names = (f"{each.session} {each.id}".strip() for each in found[:_NAMED])
            print_line(
                f"not forgotten, and has {has}: {what}: {len(found):,}"
                f" ({one_line(', '.join(names))}{', ...' if len(found) > _NAMED else ''}):"
                f" `{command}`",
                err=True,
            )


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


def _value(value: ReplacedValue) -> str:
    at = format_local_time(value.time, "minutes")
    return f"{value.session}  {at}  {value.type}  {value.of or ''}  {counted(value.bytes, 'byte')}"
