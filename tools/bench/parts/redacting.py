"""The cost of redaction: microseconds for a message of 1 KB, and megabytes a second."""

from __future__ import annotations

from time import process_time
from typing import TYPE_CHECKING

from journal.errors import RedactionError
from journal.format.keyed_hash import Key
from journal.redact.kingfisher import Kingfisher
from journal.redact.redactor import Redactor
from journal.redact.setup import own_rules
from tools.bench.corpus.words import Texts
from tools.bench.report.figure import Figure, at_most, figure

if TYPE_CHECKING:
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


def measure(plan: Plan) -> list[Figure]:
    """Measure messages of 1 KB and of 64 KB without secrets, also with Kingfisher if installed."""
    text = " ".join(Texts().take(_MESSAGES * 2))[: _SIZE * _MESSAGES]
    short = [text[at : at + _SIZE] for at in range(0, len(text), _SIZE)]
    long = ["".join(short[at : at + _LONG]) for at in range(0, len(short), _LONG)]
    ours = [_seconds(own_rules(), short) / len(short) for _ in range(plan.rounds)]
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
        figure("text without secrets", "MB/s", mine, theirs, against="Kingfisher, same seam"),
    ]


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
