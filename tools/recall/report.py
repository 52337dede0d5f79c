"""Tables of what searches found, in Markdown."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tools.recall.measure import absence, figures
from tools.recall.questions import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tools.recall.measure import Asked


def engines_table(asked: Mapping[str, Sequence[Asked]]) -> str:
    """Return a table with a row for each engine."""
    rows = []
    for name, found in asked.items():
        got = figures(found)
        rows.append(
            (
                name,
                f"{got.questions:,}",
                _percent(got.first),
                _percent(got.among),
                f"{got.reciprocal:.3f}",
                _percent(got.nothing),
                f"{got.median:.1f}",
                f"{got.p95:.1f}",
            )
        )
    head = ("search", "questions", "first", "among five", "MRR", "nothing", "ms", "ms, p95")
    return _table(head, rows)


def kinds_table(asked: Mapping[str, Sequence[Asked]]) -> str:
    """Return a table with a row for each kind of question: first and among five, by engine."""
    kinds: dict[str, dict[str, list[Asked]]] = defaultdict(lambda: defaultdict(list))
    for name, found in asked.items():
        for each in found:
            if each.question.kind != ABSENT:
                kinds[each.question.kind][name].append(each)
    rows = []
    for kind, by_name in sorted(kinds.items()):
        cells = []
        for name in asked:
            got = figures(by_name[name])
            cells.append(f"{_percent(got.first)} / {_percent(got.among)}")
        rows.append((kind, f"{len(next(iter(by_name.values()))):,}", *cells))
    return _table(("kind", "questions", *asked), rows)


def absence_table(asked: Mapping[str, Sequence[Asked]]) -> str:
    """Return a table of the questions about what was never said, with a row for each engine."""
    rows = []
    for name, found in asked.items():
        got = absence(found)
        rows.append((name, f"{got.questions:,}", f"{got.claimed:,}", f"{got.named:,}"))
    return _table(("search", "questions", "claims a match", "names a missing word"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
