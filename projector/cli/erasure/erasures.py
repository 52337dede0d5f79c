"""`journal erasures`: list requests to forget and their receipts."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from journal.cli.kit.exits import DAMAGED, ExitCommand
from journal.cli.kit.output import print_json_lines, print_line
from journal.cli.kit.times import format_local_time
from journal.erasure.receipts import REMEDY
from journal.errors import counted
from journal.format.fields.erasure import PENDING, REMOVED
from projector.cli.kit.codes import CODES
from projector.forgetting.erasures import erasures

if TYPE_CHECKING:
    from pathlib import Path

    from journal.erasure.pending import Hidden, Pending
    from projector.forgetting.erasures import Erasure


_IN_SINK = {
    PENDING: "; pending in the sink: `projector sink run`",
    REMOVED: "; removed from the sink",
    None: "",
}


@click.command("erasures", cls=ExitCommand, codes=CODES)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:  # noqa: FBT001 - click gives flags so
    """List the requests to forget with their receipts, oldest first.

    A request without a receipt is pending: what it names is hidden, and its bytes are not all
    removed yet. For each segment that still has some of them, a line names the lane (its folder and
    its uuid) and the process that holds it, if any: that process must append again, or end. Then
    `journal forget --finish` removes the rest. A line also names each segment that has events of an
    erased request again: a program appended them later, or a lane was copied into the journal. No
    request contains what it forgets. It reads every segment. There is no time limit.

    \b
        journal erasures
        journal erasures --json | jq 'select(.receipt == null)'

    JSON: {"id", "time", "scope", "reason", "sessions", "events", "messages", "texts", "key",
    "key_is_known", "allows_again", "erased", "receipt": {"time", "requests", "lines", "segments",
    "bytes", "generations", "unsearched", "started", "duration", "sink"}, "pending":
    [{"lane_folder", "lane", "segment", "pid", "host"}], "hidden": [{"lane_folder", "lane",
    "segment", "pid", "host", "request", "events", "late", "last"}], "is_lost"}

    A request that no lane has any more, and that a receipt or the database names, is listed with
    `is_lost`, and the exit code is 5.

    `erased` counts the events that are erased for this request, whichever run did it; of an
    event that several requests forget, one has it. `receipt` is of the run that finished the
    request: its numbers are sums of all the requests that it finished, `requests`, and of a run
    that left something pending there is none. A later run has a receipt of its own if it erased
    something again, or damage that could not be searched before. `hidden` is as in `journal
    status`. `sessions`, `events`, `messages` and `texts` count hashes. `unsearched` are bytes of
    damage that the run could not search. `sink` is `pending` while the journal's sink may have what
    was forgotten, until `projector sink run` has sent the projection again; then `removed`; null
    where there was no sink. Times are in µs since 1970, the duration is in µs.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    path: Path = context.obj
    found = erasures(path)
    if as_json:
        print_json_lines(asdict(each) for each in found)
    elif not found:
        print_line("nothing was forgotten in this journal", err=True)
    else:
        for each in found:
            print_line(_line(each))
            for segment in each.pending:
                print_line(f"  {_where(segment)}")
            for again in each.hidden:
                print_line(f"  again {counted(again.events, 'event')} in {_where(again)}")
    if any(each.is_lost for each in found):
        context.exit(DAMAGED)


def _line(erasure: Erasure) -> str:
    if erasure.is_lost:
        at = format_local_time(erasure.time, "minutes")
        return f"{erasure.id}  {at}  lost, no lane has it any more: {REMEDY}"
    hashes = erasure.sessions + erasure.events + erasure.messages + erasure.texts
    about = [erasure.scope or "request", counted(hashes, "hash")]
    about += ["the same may be appended again"] if erasure.allows_again else []
    about += [erasure.reason] if erasure.reason else []
    at = format_local_time(erasure.time, "minutes")
    return f"{erasure.id}  {at}  {', '.join(about)}: {_state(erasure)}"


def _where(segment: Pending | Hidden) -> str:
    at = f"lane {segment.lane_folder} ({segment.lane}) segment {segment.segment}"
    if not segment.pid:
        return f"{at}: `journal forget --finish` removes it"
    return f"{at}: process {segment.pid} on {segment.host} holds it, or has held it"


def _done(erasure: Erasure, at: str) -> str:
    """Return what was done for a request, and when; one that redacts erases no event."""
    if erasure.texts and not erasure.erased:
        return f"redacted {at}, {counted(erasure.texts, 'text')}"
    return f"erased {at}, {counted(erasure.erased, 'event')}"


def _state(erasure: Erasure) -> str:
    if not erasure.key_is_known:
        return f"pending, the journal lacks its key {erasure.key}"
    receipt = erasure.receipt
    if receipt is None:
        return "pending" if erasure.pending else "pending: `journal forget --finish` does the rest"
    at = format_local_time(receipt.time, "minutes")
    segments = counted(receipt.segments, "segment")
    run = f"changed {counted(receipt.lines, 'event')} in {segments}"
    if receipt.bytes and not receipt.lines:
        run = f"erased {counted(receipt.bytes, 'byte')} of damage in {segments}"
    shared = f" for {receipt.requests:,} requests" if receipt.requests > 1 else ""
    unsearched = (
        f"; {counted(receipt.unsearched, 'byte')} of damage could not be searched: see"
        " `journal verify --erased`"
        if receipt.unsearched
        else ""
    )
    return (
        f"{_done(erasure, at)}; that run {run}{shared} in"
        f" {receipt.duration / 1e6:.1f} s{unsearched}{_IN_SINK.get(receipt.sink, '')}"
    )
