"""What was done to forget, as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from journal.cli.kit.clean import one_line
from journal.cli.kit.output import print_line, warn
from journal.erasure.receipts import warnings
from journal.errors import counted
from journal.format.fields.erasure import PENDING, REMOVED

if TYPE_CHECKING:
    from projector.forgetting.finish import Outcome

_NAMED = 3
"""Files that are none of the journal's, of which the names are shown; JSON has all."""


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as a JSON object."""
    found = asdict(outcome)
    found["newer"] = [{"lane_folder": name, "segment": number} for name, number in outcome.newer]
    return found


def show_outcome(outcome: Outcome, done: str = "erased") -> None:
    """Write an outcome for people: what was done to stdout, what is left to stderr.

    Args:
        outcome: the outcome.
        done: what was done to events.
    """
    lines, segments = counted(outcome.lines, "event"), counted(outcome.segments, "segment")
    print_line(
        f"{lines} in {segments} {done} ({counted(outcome.bytes, 'byte')});"
        f" {counted(outcome.generations, 'old database')} removed"
    )
    if outcome.sink == REMOVED:
        print_line("removed from the sink")
    elif outcome.sink == PENDING:
        print_line(
            "pending in the sink: it may have what is forgotten until `projector sink run` has sent"
            " the projection again; then `journal erasures` says so",
            err=True,
        )
    for each in outcome.pending:
        process = f"process {each.pid} on {each.host}" if each.pid else "another process"
        where = f"lane {each.lane_folder} ({each.lane}) segment {each.segment}"
        print_line(
            f"pending: {where} is held by {process}. It is hidden; its bytes can be removed when"
            " that process has appended again or ended: then run `journal forget --finish` (a"
            " `projector run` does it by itself)",
            err=True,
        )
    for lane, number in outcome.newer:
        print_line(
            f"pending: lane {lane} segment {number} is of a newer version: only a newer"
            " `journal forget --finish` can read it",
            err=True,
        )
    for key in outcome.unknown_keys:
        print_line(
            f"pending: a request has hashes of the key {key}, which this journal lacks: add the"
            " line of that key to the file `key`, from a backup or the journal that it comes from",
            err=True,
        )
    if outcome.unreadable:
        first = outcome.unreadable[0]
        print_line(
            f"{counted(len(outcome.unreadable), 'stretch')} of bytes that are no valid record (the"
            f" first in lane {first.lane_folder} segment {first.segment} offset {first.offset})"
            " cannot be searched for what is forgotten. `journal forget --finish --erase-damage`"
            " writes back to the journal what the database has of other conversations, and erases"
            " these bytes; what neither has, a backup may have (`journal restore`)",
            err=True,
        )
    if outcome.foreign:
        files = ", ".join(outcome.foreign[:_NAMED])
        more = ", ..." if len(outcome.foreign) > _NAMED else ""
        print_line(
            f"{counted(len(outcome.foreign), 'file')} in the journal's folder"
            f" {'is' if len(outcome.foreign) == 1 else 'are'} not the journal's ({one_line(files)}"
            f"{more}), and may hold what is forgotten: nothing in them was erased. Delete or move"
            " what you do not need",
            err=True,
        )
    for text in warnings((), outcome.lost):
        warn(text)
