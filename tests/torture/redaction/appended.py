"""Random events with secrets in them, appended with redaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal import Journal
from tests.support.journals import events
from tests.support.redaction.planting import Planter
from tests.torture.redaction.checks import Done, check_bytes, check_event, key_of, project

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

    from tests.support.redaction.drawing import Planted

_EVENTS = 12


def check_appended(folder: Path, random: Random, planted: Sequence[Planted], done: Done) -> None:
    """Append events with redaction, and check what is written.

    Raises:
        Wrong: a secret was written, or another value was changed.
    """
    planter = Planter(random, planted)
    made = made_up(random, planter, ["s1", "s2"])
    with Journal.open(folder, fsync="never", redact=True) as journal:
        if random.random() < 0.5:
            journal.append_many(made)
        else:
            for event in made:
                journal.append(**event)
    stored = [record.event for record in events(folder)]
    for event, found in zip(made, stored, strict=True):
        check_event(key_of(folder), event["data"], found, planter.secrets, done)
    project(folder)
    check_bytes(folder, planter.secrets, done)


def made_up(random: Random, planter: Planter, sessions: Sequence[str]) -> list[dict[str, Any]]:
    """Return random events with secrets in them, as `Journal.append_many` takes them.

    Args:
        random: chooses their types and sessions.
        planter: makes their values.
        sessions: ids of the sessions.
    """
    made = []
    for number in range(_EVENTS):
        type, data = random.choice(_MAKERS)(planter)
        if type == "transcript.replaced":  # its new message has its own id
            data["messages"][0]["id"] = f"n{number}"
        session = random.choice(sessions)
        made.append({"session": session, "id": f"e{number}", "type": type, "data": data})
    return made


def _message(planter: Planter) -> tuple[str, dict[str, Any]]:
    data = {"role": "user", "content": planter.content(), "extra": planter.object()}
    return "message.appended", {**data, "timestamp": 1_700_000_000_000_000, "model": "m-1"}


def _answer(planter: Planter) -> tuple[str, dict[str, Any]]:
    data = {"role": "assistant", "reasoning": planter.text(), "tool_calls": planter.calls()}
    return "message.appended", data


def _result(planter: Planter) -> tuple[str, dict[str, Any]]:
    data = {"role": "tool", "content": planter.text(), "tool_name": "sh", "tool_call_id": "call_1"}
    return "message.appended", data


def _revision(planter: Planter) -> tuple[str, dict[str, Any]]:
    return "message.revised", {"message": "e1", "content": planter.content()}


def _session(planter: Planter) -> tuple[str, dict[str, Any]]:
    data = {"title": planter.text(), "system_prompt": planter.text(), "config": planter.object()}
    return "session.created", {**data, "extra": planter.object(), "model": "m-1", "user": "ada"}


def _end(planter: Planter) -> tuple[str, dict[str, Any]]:
    return "session.ended", {"reason": planter.text(), "extra": planter.object()}


def _transcript(planter: Planter) -> tuple[str, dict[str, Any]]:
    new = {"role": "user", "content": planter.content(), "extra": planter.object()}
    kept = {"message": "e1", "extra": planter.object()}
    return "transcript.replaced", {"messages": [new, kept], "rest": "archived", "seen": {}}


def _key(planter: Planter) -> tuple[str, dict[str, Any]]:
    return "key.set", {"key": "deploy", "value": planter.value()}


def _unknown(planter: Planter) -> tuple[str, dict[str, Any]]:
    return "tool.used", {"input": planter.object(), "output": planter.value(), "id": "t1"}


_MAKERS = (
    *[_message] * 3,
    *(_answer, _result, _revision, _session, _end, _transcript, _key, _unknown),
)
