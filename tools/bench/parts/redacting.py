"""The cost of redaction: microseconds for a message of 1 KB, and megabytes a second."""

from __future__ import annotations

from random import Random
from time import process_time
from typing import TYPE_CHECKING
from uuid import UUID

from journal.errors import RedactionError
from journal.format.keyed_hash import Key
from journal.redact.kingfisher import Kingfisher
from journal.redact.redactor import Redactor
from journal.redact.setup import own_rules
from tools.bench.corpus.words import Texts
from tools.bench.report.figure import Figure, at_most, figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from journal.redact.scanner import Scanner
    from tools.bench.plan import Plan

ROW = "redaction"
FLOOR = (
    "One pass of Python's regular expressions over the texts of each message, which skips all"
    " characters but the rarest one of each literal that a rule needs."
)
_SIZE = 1_024
_MESSAGES = 2_000
_LONG = 64
_IDS = 80
"""Of 400 groups of lines, those with an id."""
_NAMED = 8
"""Those with a name or an option that a secret may follow."""


def measure(plan: Plan) -> list[Figure]:
    """Measure prose and code of 1 KB and of 64 KB without secrets, also with Kingfisher."""
    texts = Texts()
    text = " ".join(texts.take(_MESSAGES * 2))[: _SIZE * _MESSAGES]
    short = [text[at : at + _SIZE] for at in range(0, len(text), _SIZE)]
    long = ["".join(short[at : at + _LONG]) for at in range(0, len(short), _LONG)]
    code = [_code(texts.vocabulary.words, seed) for seed in range(_MESSAGES)]
    ours = [_seconds(own_rules(), short) / len(short) for _ in range(plan.rounds)]
    tools = [_seconds(own_rules(), code) / len(code) for _ in range(plan.rounds)]
    mine = [_megabytes(own_rules(), long) for _ in range(plan.rounds)]
    theirs: list[float] = []
    if plan.rivals:
        try:
            theirs = [_megabytes(Kingfisher(), long) for _ in range(plan.rounds)]
        except RedactionError as error:
            plan.say(str(error))
    return [
        figure(
            "a message of 1 KB without secrets",
            "µs",
            [seconds * 1e6 for seconds in ours],
            target=at_most(25),
        ),
        figure(
            "1 KB of code and outputs of tools without secrets",
            "µs",
            [seconds * 1e6 for seconds in tools],
            target=at_most(25),
        ),
        figure("text without secrets", "MB/s", mine, theirs, against="Kingfisher, same seam"),
    ]


def _code(words: Sequence[str], seed: int) -> str:
    """Return 1 KB of lines of code, listings and JSON, with as many ids and names as real ones.

    Of real ones six in ten have an id or another long name, one in twenty assigns something to a
    name such as `token`, and one in fifty has an option such as `-p`.
    """
    draw = Random(seed)
    lines: list[str] = []
    while sum(map(len, lines)) < _SIZE:
        one, two, three = (draw.choice(words) for _ in range(3))
        number, rare = draw.randrange(1_000), draw.randrange(400)
        lines += (
            f"{number}\tself.{one}: dict[str, {two}] = {three}({one}, timeout={number})",
            f"/srv/{one}/{two}.py:{number}:{number % 80}: `{three}` is not used here (F{number})",
            f'{{"name": "{one}", "type": "{two}", "count": {number}}}',
        )
        if rare < _IDS:
            lines.append(
                f"{UUID(int=draw.getrandbits(128))} 2026-11-07T10:{number % 60:02}:07Z {one}"
            )
        if rare < _NAMED:
            lines.append(f"tokens: {number}" if rare % 2 else f"{one} -p {number:06} {two}@{three}")
    return "\n".join(lines)[:_SIZE]


def _megabytes(scanner: Scanner, texts: list[str]) -> float:
    return sum(len(text.encode()) for text in texts) / 1e6 / _seconds(scanner, texts)


def _seconds(scanner: Scanner, texts: list[str]) -> float:
    """Redact messages; return the processor time in seconds."""
    redactor = Redactor([scanner], lambda: Key(bytes(32)))
    data = [{"role": "assistant", "content": text} for text in texts]
    began = process_time()
    for each in data:
        redactor.redact("message.appended", each)
    return process_time() - began
