"""Import made-up transcripts of unreliable programs in random pieces, and compare with a model.

::

    python -m tests.torture.steps.transcripts                       600 seeds
    python -m tests.torture.steps.transcripts --seeds 50 --seed 7   seeds 7 to 56
    python -m tests.torture.steps.transcripts --seconds 60          as many as fit
    python -m tests.torture.steps.transcripts --sample              a few, as `make test` does

Each seed gives a rollout of Codex and a session of Claude Code. Their ids are unique, numbered from
1 in each turn, or one for all; their clock steps back, or its times cannot be read; lines are torn,
joined and written twice; turns are rolled back and prompts rewound. A simple model computes what a
reader sees. The files are imported as they grow, cut at any byte, with a ledger that is lost in
between, and compressed at the end; and they are imported in one pass. Each message is stored once,
in the file's order, removed messages are only found, nothing conflicts, and both ways give one set
of events.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from projector import Projection
from tests.importers.feed import journal_set
from tests.importers.source_lines import ROLLOUT, THREAD, claude, event, head, says, stamp, take
from tests.torture.arguments import Amount, again, step_parser

if TYPE_CHECKING:
    from collections.abc import Sequence

_AMOUNT = Amount(600, sample=12)
_NO_TIME, _STEP_BACK = 0.1, 0.15
_ROLLED_BACK, _TYPED, _REWOUND = 0.15, 0.45, 0.5
_WAYS = {"torn": 0.1, "torn apart": 0.05, "twice": 0.05, "whole": 0.8}
_JOINED, _FORGOTTEN = 0.1, 0.3
"""Probabilities of a joined line and of a lost ledger."""
_TORN = (
    b'{"timestamp":"2026-01',
    b'{"type":"user","message":{"role":"us',
    b"\0\0\0\0",
    b'{"a":"\\',
)
_IDS = ("unique", "numbered", "one", "none")


@dataclass(slots=True)
class Talk:
    """A source, and what a reader must see of it.

    Attributes:
        session: its session.
        lines: its lines.
        messages: its messages in order, each with whether it is in the transcript.
        turns: the index in `messages` at which each remaining turn begins.
    """

    session: str
    lines: list[bytes] = field(default_factory=list)
    messages: list[tuple[str, bool]] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)

    def roll_back(self, count: int) -> None:
        """Remove turns from the transcript."""
        first = self.turns[-count]
        del self.turns[-count:]
        for at in range(first, len(self.messages)):
            self.messages[at] = (self.messages[at][0], False)


def clock(random: Random, second: float) -> str | None:
    """Return the time of a line: mostly a little later, sometimes long before, sometimes none."""
    if random.random() < _NO_TIME:
        return random.choice(["soon", "", None])
    return stamp(second + (0 if random.random() < _STEP_BACK else 3_600))


def rollout(random: Random) -> Talk:
    """Return a rollout of Codex."""
    talk = Talk(THREAD, [json.dumps(head()).encode()])
    ids, number = random.choice(_IDS), 0
    for second in range(random.randint(2, 14)):
        if talk.turns and random.random() < _ROLLED_BACK:
            count = random.randint(1, len(talk.turns))
            talk.lines.append(_raw(event(second, type="thread_rolled_back", num_turns=count)))
            talk.roll_back(count)
            continue
        typed = random.random() < _TYPED
        number = 0 if typed else number + 1
        id = {"unique": f"item_a{second}b", "numbered": f"call_{number}", "one": "x"}.get(ids)
        if typed:
            talk.turns.append(len(talk.messages))
        text = f"word{second}"
        more = {} if id is None else {"id": id}
        line = says(0, text, "user" if typed else "assistant", **more)
        talk.lines.append(_raw({**line, "timestamp": clock(random, second)}))
        talk.messages.append((text, True))
    return talk


def session(random: Random) -> Talk:
    """Return a session of Claude Code: prompts, answers, and prompts that were rewound."""
    talk = Talk("cc")
    path: list[str] = []  # from the beginning to the current message
    for second in range(random.randint(2, 14)):
        text, typed = f"cc{second}", not path or random.random() < _TYPED
        if typed and talk.turns and random.random() < _REWOUND:
            count = random.randint(1, len(talk.turns))
            shown = [name for name, is_shown in talk.messages[: talk.turns[-count]] if is_shown]
            if shown:  # the first prompt has no earlier message to rewind to
                talk.roll_back(count)
                path = shown
        if typed:
            talk.turns.append(len(talk.messages))
        kind = "user" if typed else "assistant"
        line = claude(text, path[-1] if path else None, text, 0, type=kind)
        talk.lines.append(_raw({**line, "timestamp": clock(random, second)}))
        talk.messages.append((text, True))
        path.append(text)
    return talk


def _raw(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()


def written(random: Random, lines: Sequence[bytes]) -> bytes:
    """Write lines like programs that die and write without a check: torn, joined, twice."""
    raw = bytearray()
    for line in lines:
        (way,) = random.choices(list(_WAYS), list(_WAYS.values()))
        if way.startswith("torn"):
            raw += random.choice(_TORN) + b"\n" * (way == "torn apart")
        elif way == "twice":
            raw += line + b"\n"
        raw += line
        if random.random() > _JOINED:
            raw += b"\n"
    return bytes(raw) + b"\n"


def trouble(seed: int) -> str | None:
    """Import the sources of a seed; return what is wrong, None if nothing is."""
    random = Random(seed)
    with tempfile.TemporaryDirectory(prefix="transcripts-") as folder:
        for talk, name in ((rollout(random), ROLLOUT), (session(random), "cc.jsonl")):
            wrong = _check(talk, written(random, talk.lines), Path(folder) / name, random)
            if wrong is not None:
                return f"{name}: {wrong}"
    return None


def _check(talk: Talk, raw: bytes, path: Path, random: Random) -> str | None:
    parts, whole = path.with_suffix(".parts"), path.with_suffix(".whole")
    conflicts = 0
    for cut in sorted(random.randrange(len(raw)) for _ in range(random.randrange(4))):
        path.write_bytes(raw[:cut])
        conflicts += take(parts, path).conflicts
        if random.random() < _FORGOTTEN:
            shutil.rmtree(parts / "imports", ignore_errors=True)
    path.write_bytes(raw)
    for journal in (parts, whole):
        conflicts += take(journal, path).conflicts
    if conflicts:
        return f"{conflicts} conflicts"
    if journal_set(parts) != journal_set(whole):
        return "imported in pieces it is another set of events"
    wanted = [text for text, is_shown in talk.messages if is_shown]
    with Projection.open(parts) as projection:
        found = [message.content for message in projection.messages(talk.session)]
        lost = [text for text, _ in talk.messages if not projection.search(text).hits]
    if found != wanted:
        return f"a reader sees {found}, and it was {wanted}"
    return f"not found: {lost}" if lost else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the seeds of the command line; return the exit code."""
    parser = step_parser(__doc__)
    _AMOUNT.add_to(parser)
    given = parser.parse_args(arguments)
    began = time.monotonic()
    done = 0
    for seed in _AMOUNT.budget(given).seeds():
        done += 1
        try:
            wrong = trouble(seed)
        except Exception:  # noqa: BLE001 - the seed is printed with it
            wrong = traceback.format_exc()
        if wrong is not None:
            print(f"FAILED seed {seed}: {wrong[-2000:]}")
            print(f"again: {again('transcripts', seed, 'seeds')}")
            return 1
    last = given.seed + done - 1
    spent = time.monotonic() - began
    print(f"transcripts: seeds {given.seed} to {last}: {2 * done:,} in {spent:.0f} s, all held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
