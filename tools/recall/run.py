"""Measure how well searches find the session that a question is about.

::

    make recall                        the made-up questions
    make recall LOCOMO=FOLDER          and those of LoCoMo, whose files are in the folder
    make recall UPDATE=1 LOCOMO=...    and write docs/recall.md
    python -m tools.recall.run --half tuned     only the half that may be looked at
"""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.recall.engines import OTHERS, OURS, ours
from tools.recall.measure import ask_all
from tools.recall.questions import read_locomo, read_made_up
from tools.recall.report import absence_table, engines_table, kinds_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tools.recall.measure import Asked
    from tools.recall.questions import Collection, Question

ROOT = Path(__file__).parents[2]
SET = Path(__file__).parent / "set"
PAGE = ROOT / "docs/recall.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print or write the tables; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--set", type=Path, default=SET, help="folder of the made-up questions")
    parser.add_argument("--locomo", type=Path, help="folder with the files of LoCoMo")
    parser.add_argument("--half", choices=["tuned", "held"], help="ask this half only")
    parser.add_argument("--ours", action="store_true", help="ask this project's search alone")
    parser.add_argument("--update", action="store_true", help="write docs/recall.md")
    given = parser.parse_args(arguments)
    made_up = read_made_up(given.set)
    asked = _ask([made_up], given.half, only_ours=given.ours)
    parts = [f"## Made-up sessions of coding work\n\n{_counts([made_up])}", engines_table(asked)]
    if given.half is None:
        held = {
            name: [each for each in found if each.question.is_held_out]
            for name, found in asked.items()
        }
        parts += ["The half of these that was not looked at while the ranking was tuned:"]
        parts += [engines_table(held)]
    parts += ["First and among five, by kind of question:", kinds_table(asked)]
    parts += ["Questions about what was never said:", absence_table(asked)]
    if given.locomo is not None:
        dialogues = read_locomo(given.locomo)
        long = _ask(dialogues, None, only_ours=given.ours)
        parts += [f"## LoCoMo\n\n{_counts(dialogues)}", engines_table(long), kinds_table(long)]
    text = "\n\n".join(parts)
    print(text)
    if given.update:
        before = PAGE.read_text(encoding="utf-8")
        head = before[: before.index(_MEASURED)]
        PAGE.write_text(f"{head}{_MEASURED}\n\n{_machine()}\n\n{text}\n", encoding="utf-8")
    return 0


_MEASURED = "<!-- measured: what follows is written by `make recall UPDATE=1` -->"


def _ask(
    collections: Iterable[Collection], half: str | None, *, only_ours: bool
) -> dict[str, list[Asked]]:
    """Ask every search the questions of all collections, each about its own sessions."""
    searches = {OURS: ours} | ({} if only_ours else OTHERS)
    found: dict[str, list[Asked]] = {name: [] for name in searches}
    for collection in collections:
        questions = [each for each in collection.questions if _is_in(each, half)]
        for name, opened in searches.items():
            with opened(collection.sessions) as ask:
                found[name] += ask_all(ask, questions)
    return found


def _is_in(question: Question, half: str | None) -> bool:
    return half is None or question.is_held_out is (half == "held")


def _counts(collections: Sequence[Collection]) -> str:
    sessions = [session for each in collections for session in each.sessions]
    messages = sum(len(session.messages) for session in sessions)
    several = f"{len(collections)} journals, " if len(collections) > 1 else ""
    return f"{several}{len(sessions):,} sessions, {messages:,} messages."


def _machine() -> str:
    return f"Python {platform.python_version()}, {platform.machine()}."


if __name__ == "__main__":
    sys.exit(main())
