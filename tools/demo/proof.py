"""The checks that nothing was lost and nothing was stored twice."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projector import Projection
from tools.demo.live import size
from tools.demo.script import AGENTS, Conversation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projector import Status
    from tools.demo.processes import Tools
    from tools.demo.talk import Talk

_DAMAGED = 5
_CUT_SHORT = {"torn", "newline", "empty"}
"""Kinds of problems that a writer causes when it is killed within a write(2)."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: whether it holds, and its numbers."""

    so: bool
    text: str
    note: str = ""


def prove_talk(tools: Tools, talk: Talk, messages: int) -> Iterator[Check]:
    """Check that each acknowledged message exists once, with its content."""
    conversation = Conversation(messages)
    texts = [conversation.message(s, turn) for s in range(len(AGENTS)) for turn in range(messages)]
    wanted = {(one.session, one.id): one.data["content"] for one in texts}
    acknowledged = {id for ids in talk.acknowledged for id in ids}
    with Projection.open(tools.journal) as projection:
        found = Counter(
            (view.session, view.id, str(view.content))
            for session in {one.session for one in texts}
            for view in projection.messages(session)
        )
        status = projection.status()
    expected = Counter((session, id, content) for (session, id), content in wanted.items())
    there = Counter(id for _, id, _ in found.elements())
    lost = sum(1 for id in acknowledged if not there[id])
    doubled = sum(1 for count in there.values() if count > 1)
    yield Check(
        found == expected and acknowledged == {one.id for one in texts} and not lost,
        f"{len(acknowledged):,} messages acknowledged, {found.total():,} in the projection:"
        f" {lost} lost, {doubled} doubled, each word for word",
    )
    records = _written(tools)
    twice = records.total() - len(records)
    yield Check(
        set(records) == set(wanted) and all(talk.kills) and bool(talk.projector_kills and twice),
        f"{sum(talk.kills)} kills of {len(talk.kills)} writers and {talk.projector_kills}"
        f" of the projector; {twice:,} messages were flushed twice and count once",
    )
    yield from prove_journal(tools, status)


def _written(tools: Tools) -> Counter[tuple[str, str]]:
    """Count the records of each message in the lanes."""
    lines = tools.run("journal", "cat", "--type", "message.appended", codes=(0, _DAMAGED)).out
    events = (json.loads(line) for line in lines.splitlines())
    return Counter((event["session"], event["id"]) for event in events)


def prove_import(
    tools: Tools, first: dict[str, Any], second: dict[str, Any], *, growing: bool
) -> Iterator[Check]:
    """Check that imported messages can be found, and that a second import adds nothing.

    Args:
        tools: the commands.
        first: the report of the import.
        second: the report of the same import, run again.
        growing: whether the transcripts grew during the imports, because an agent was working.
    """
    with Projection.open(tools.journal) as projection:
        projection.sessions(limit=1)  # applies what the second import added
        status = projection.status()
    written = first["messages"] + second["messages"]
    aside = written - status.messages
    yield Check(
        0 <= aside <= status.duplicates + status.conflicts,
        f"{written:,} messages written, {status.messages:,} in the projection",
        f"{aside:,} had an id that was used before: the first is in force, others are conflicts."
        if aside
        else "",
    )
    added = second["messages"] + second["events"]
    yield Check(
        growing or not added,
        f"imported a second time: {added:,} events added",
        "An agent of yours is writing right now: that is what was added." if added else "",
    )
    yield from prove_journal(tools, status)


def prove_journal(tools: Tools, status: Status) -> Iterator[Check]:
    """Check every record and every number, and that a rebuild changes nothing."""
    report = tools.json("journal", "verify", codes=(0, _DAMAGED))
    problems = report["problems"]
    ends = {(p["lane"], p["segment"]) for p in problems if p["kind"] in _CUT_SHORT}
    # a truncated header does not count as a header
    harmless = [
        p
        for p in problems
        if p["kind"] in _CUT_SHORT or (p["kind"] == "header" and (p["lane"], p["segment"]) in ends)
    ]
    damage = len(problems) - len(harmless)
    yield Check(
        not damage,
        f"verify: lanes {report['lanes']:,}, segments {report['segments']:,},"
        f" records {report['events']:,}, {size(report['bytes'])};"
        f" {f'{damage:,} damaged' if damage else 'every checksum right, no gap'}",
        f"{len(ends):,} unfinished at a segment's end (verify says torn): SIGKILL came within a"
        " write; it was never acknowledged, and was flushed again."
        if ends
        else "",
    )
    counted = status.events + status.duplicates + status.conflicts
    yield Check(
        counted == report["events"] and not status.unprojected,
        f"all {counted:,} records are accounted for: events {status.events:,},"
        f" repeats {status.duplicates:,}, conflicts {status.conflicts:,};"
        f" not searchable {status.unprojected:,}",
    )
    before = _digest(tools)
    began = time.monotonic()
    tools.run("projector", "rebuild")
    seconds = time.monotonic() - began
    after = _digest(tools)
    yield Check(
        before == after,
        f"digest {before[:16]}… before, {after[:16]}… after a rebuild from the logs"
        f" ({seconds:.1f} s)",
    )


def _digest(tools: Tools) -> str:
    return tools.run("projector", "digest").out.decode().strip()
