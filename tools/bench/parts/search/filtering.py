"""Searching a million messages with filters: each against the same search without one, in one run.

The corpus has what filters compare: projects, branches, models, tools, files, errors and
sub-agents, with values that few and values that many messages have.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from journal import Journal
from projector import Projection
from tools.bench.corpus.stage import BEGAN, ROLES, session_of, source_of
from tools.bench.corpus.words import Texts
from tools.bench.parts.searching import chosen
from tools.bench.processes import alone
from tools.bench.report.figure import Figure, at_most, figure
from tools.bench.report.spread import median, percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tools.bench.plan import Plan

ROW = "filtered search at 1 M messages, 200 mixed queries"
FLOOR = (
    "The search without the filter: FTS5 walks the entries of the words, and those of the tags"
    " beside them, and the texts of 20 hits are read."
)
_LIMIT = 20
_TARGET = at_most(1.3, "ours / theirs")
_MODELS = ("opus", "sonnet", "haiku", "gpt", "gemini")
_TOOLS = ("Bash", "Read", "Edit", "Grep", "WebFetch")
_FILES = 40
"""Files of a project."""
_PROJECTS = 50
_NONE = "none"
_YEAR = 365 * 86_400_000_000
"""Microseconds over which the messages are spread: a filter by time compares days."""


def filters_of(count: int) -> dict[str, dict[str, Any]]:
    """Return the filters that are measured, by their names; of a corpus of so many messages."""
    part = _YEAR // 100
    session = session_of(count // 2)
    return {
        "role user": {"role": "user"},
        "source": {"source": "telegram"},
        "project": {"project": "project-7"},
        "model, of half": {"model": "opus"},
        "model, of few": {"model": "gemini"},
        "branch, of half": {"branch": "main"},
        "branch, of few": {"branch": "fix-7"},
        "tool": {"tool": "Bash"},
        "file": {"file": "src/file_3.py"},
        "file, a whole path": {"file": "/home/ada/project-7/src/file_3.py"},
        "errors": {"has": "errors"},
        "no sub-agents": {"subagents": False},
        "the last percent of time": {"since": BEGAN + 99 * part},
        "the first half of time": {"until": BEGAN + 50 * part},
        "session": {"session": f"session-{session}"},
        "project, model and no sub-agents": {
            "project": "project-7",
            "model": "opus",
            "subagents": False,
        },
        "replays, too": {"include_replays": True},
        "replays, too, of a project": {"include_replays": True, "project": "project-7"},
    }


def fill(path: Path, count: int) -> None:
    """Append the corpus to a journal."""
    begun, number = -1, 0
    with Journal.open(path, fsync="never") as journal:
        for batch in Texts().batches(count, 1_000):
            events: list[dict[str, Any]] = []
            for text in batch:
                session = session_of(number)
                while begun < session:
                    begun += 1
                    events.append(_begin(begun, BEGAN + number * _YEAR // count))
                events.append(_message(number, session, text, BEGAN + number * _YEAR // count))
                number += 1
            journal.append_many(events)


def _begin(session: int, began: int) -> dict[str, Any]:
    data = {
        "source": source_of(session),
        "model": _MODELS[min(session % 16 // 8 * (session % 5), 4)],
        "cwd": f"/home/ada/project-{session % _PROJECTS}",
        "branch": "main" if session % 2 else f"fix-{session % 97}",
        "started": began,
    }
    if not session % 10 and session:
        data |= {"relation": "subagent", "parent": f"session-{session - 1}"}
    return {
        "session": f"session-{session}",
        "id": "created",
        "type": "session.created",
        "data": data,
    }


def _message(number: int, session: int, text: str, time: int) -> dict[str, Any]:
    role = ROLES[number // 20 % len(ROLES)]
    data = {"role": role, "content": text, "timestamp": time}
    tool = _TOOLS[number % 7 % len(_TOOLS)]
    if role == "assistant":
        name = f"/home/ada/project-{session % _PROJECTS}/src/file_{number % _FILES}.py"
        call = {"name": tool, "arguments": f'{{"file_path": "{name}"}}'}
        data |= {"tool_calls": [{"id": f"c{number}", "type": "function", "function": call}]}
    elif role == "tool":
        data |= {"tool_name": tool, "extra": {"is_error": number % 50 == 0}}
    return {
        "session": f"session-{session}",
        "id": f"m{number:08d}",
        "type": "message.appended",
        "data": data,
    }


def measure(plan: Plan) -> list[Figure]:
    """Measure the median and the p95 with each filter beside those without one."""
    path = plan.folder / f"filtered-{plan.backlog}"
    plan.say(f"writing and projecting {plan.backlog:,} messages with what filters compare")
    fill(path, plan.backlog)
    alone(plan, "parts.projecting", "rebuild", journal=str(path))
    names = list(filters_of(plan.backlog))
    rounds = []
    for turn in range(plan.heavy_rounds):
        plan.say(f"searching with filters, round {turn + 1}")
        rounds.append(
            alone(
                plan,
                "parts.search.filtering",
                "ask",
                path=str(path),
                size=plan.backlog,
                n=plan.queries,
            )
        )
    return list(_figures(names, rounds))


def _figures(names: list[str], rounds: list[dict[str, list[float]]]) -> Iterator[Figure]:
    for name in names:
        for what, share in (("median", median), ("p95", _p95)):
            yield figure(
                f"search, {name}: {what}",
                "ms",
                [share(taken[name]) for taken in rounds],
                [share(taken[_NONE]) for taken in rounds],
                against="no filter",
                target=_TARGET,
            )


def _p95(taken: list[float]) -> float:
    return percentile(taken, 95)


def ask(path: str, size: int, n: int) -> Callable[[], dict[str, list[float]]]:
    """Ask each query without a filter and with each; measure the milliseconds of each."""
    projection = Projection.open(path)
    asked = chosen(n)
    forms: dict[str, dict[str, Any]] = {_NONE: {}, **filters_of(size)}

    def act() -> dict[str, list[float]]:
        taken: dict[str, list[float]] = {name: [] for name in forms}
        for filters in forms.values():  # what each needs once is not measured
            projection.search("warming", limit=_LIMIT, **filters)
        for query in asked:
            for name, filters in forms.items():
                began = perf_counter()
                projection.search(query.text, limit=_LIMIT, enough=0, **filters)
                taken[name].append((perf_counter() - began) * 1000)
        return taken

    return act
