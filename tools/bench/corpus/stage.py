"""The journals and databases that several parts measure: created once for a run."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from journal import Journal
from projector.cli import main as projector_main
from tools.bench.corpus.words import Texts
from tools.bench.processes import BenchError, alone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tools.bench.plan import Plan

BEGAN = 1_767_225_600_000_000
"""Date of the first message, microseconds since 1970: 2026-01-01."""
EACH = 1_000_000
"""Microseconds between two messages."""
SESSION = 50
"""Messages of a session."""
_LANES = 4
_BATCH = 1_000
ROLES = ("user", "assistant", "tool")
SOURCES = ("cli", "telegram", "web", "cron")


def session_of(number: int) -> int:
    """Return the number of a message's session: 20 sessions continue at the same time."""
    return number // (SESSION * 20) * 20 + number % 20


def source_of(session: int) -> str:
    """Return the source of a session."""
    return SOURCES[session % len(SOURCES)]


def messages(texts: Texts, count: int) -> Iterator[list[dict[str, Any]]]:
    """Yield the messages of the corpus in batches, for all programs."""
    number = 0
    for batch in texts.batches(count, _BATCH):
        made = []
        for text in batch:
            made.append(
                {
                    "number": number,
                    "session": session_of(number),
                    "role": ROLES[number // 20 % len(ROLES)],
                    "content": text,
                    "timestamp": BEGAN + number * EACH,
                }
            )
            number += 1
        yield made


def fill(path: Path, count: int, *, seed: int = 1) -> int:
    """Append the corpus to a journal, over several lanes; return the bytes of its texts."""
    size, begun = 0, -1
    with ExitStack() as stack:
        lanes = [stack.enter_context(Journal.open(path, fsync="never")) for _ in range(_LANES)]
        for turn, batch in enumerate(messages(Texts(seed=seed), count)):
            events: list[dict[str, Any]] = []
            for message in batch:
                if message["session"] > begun:
                    begun = message["session"]
                    events.append(_begin(seed, begun, message["timestamp"]))
                data = {name: message[name] for name in ("role", "content", "timestamp")}
                name = f"session-{seed}-{message['session']}"
                id = f"m{message['number']:08d}"
                event = {"session": name, "id": id, "type": "message.appended", "data": data}
                events.append(event)
                size += len(message["content"].encode())
            lanes[turn % _LANES].append_many(events)
    return size


def _begin(seed: int, session: int, started: int) -> dict[str, Any]:
    return {
        "session": f"session-{seed}-{session}",
        "id": "created",
        "type": "session.created",
        "data": {"source": source_of(session), "model": "some-model", "started": started},
    }


def journal_of(plan: Plan, count: int) -> Path:
    """Return a journal with the first `count` messages of the corpus."""
    path = plan.folder / f"journal-{count}"
    if not path.exists():
        plan.say(f"writing a journal of {count:,} messages")
        fill(path, count)
    return path


def projected_of(plan: Plan, count: int) -> Path:
    """Return the same journal with a projection."""
    path = journal_of(plan, count)
    if not (path / "projection" / "CURRENT").exists():
        plan.say(f"projecting {count:,} messages")
        alone(plan, "parts.projecting", "rebuild", journal=str(path))
    return path


def text_bytes(count: int) -> int:
    """Return the bytes of the first `count` texts."""
    return sum(len(text.encode()) for batch in Texts().batches(count) for text in batch)


def database(journal: Path) -> Path:
    """Return the database of the generation in use."""
    folder = journal / "projection"
    return folder / f"{int((folder / 'CURRENT').read_text(encoding='ascii'))}.db"


def projector(journal: Path, *command: str) -> None:
    """Run a command of the projector in this process."""
    sys.argv = ["projector", "--journal", str(journal), *command]
    try:
        projector_main()
    except SystemExit as ended:
        if ended.code:
            raise BenchError(f"projector {' '.join(command)} ended with {ended.code}") from ended
