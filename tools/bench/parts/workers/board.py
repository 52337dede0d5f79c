"""Workers on one board: it is opened by many at once, and they claim, beat and complete."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any

from tools.bench.parts.workers.forked import together
from tools.bench.parts.workers.sides import GIVE_UP, SIDES
from tools.bench.processes import alone
from tools.bench.report.figure import at_least, at_most, figure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tools.bench.plan import Plan
    from tools.bench.report.figure import Figure

ROW = "a board of tasks that workers share"
FLOOR = (
    "A claim and a completion depend on all workers, so one must wait for another: the lock, the"
    " events that the others appended meanwhile, one decision, one write(2). A heartbeat is one"
    " write(2)."
)
_AGAINST = "hermes-agent"
_BEATS = 2
_WORK = 0.01
"""Seconds of work before each heartbeat."""


def measure(plan: Plan) -> list[Figure]:
    """Open a new board in many processes at once, many times; then let workers do its tasks."""
    sides = ["ours", "theirs"] if plan.rivals else ["ours"]
    opened: dict[str, Any] = {}
    worked: dict[str, list[Any]] = {side: [] for side in sides}
    for side in sides:
        folder = plan.folder / f"opened-{side}"
        plan.say(f"opening a new board {plan.board_opens} times: {side}")
        opened[side] = alone(
            plan,
            "parts.workers.board",
            "open_at_once",
            side=side,
            folder=str(folder),
            openers=plan.board_openers,
            times=plan.board_opens,
        )
    for number in range(plan.heavy_rounds):
        for side in sides:
            plan.say(f"{plan.board_workers} workers, {plan.board_tasks} tasks: {side}")
            worked[side].append(
                alone(
                    plan,
                    "parts.workers.board",
                    "work",
                    side=side,
                    folder=str(plan.folder / f"worked-{side}-{number}"),
                    workers=plan.board_workers,
                    tasks=plan.board_tasks,
                )
            )
    return _figures(plan, opened, worked)


def _figures(plan: Plan, opened: dict[str, Any], worked: dict[str, list[Any]]) -> list[Figure]:
    first = f"{plan.board_openers} processes open a new board, {plan.board_opens} times"
    crowd = f"{plan.board_workers} workers, {plan.board_tasks:,} tasks"

    def opens(name: str) -> tuple[list[float], list[float]]:
        return [opened["ours"][name]], [opened[side][name] for side in opened if side != "ours"]

    def works(name: str) -> tuple[list[float], list[float]]:
        theirs = worked.get("theirs", [])
        return [each[name] for each in worked["ours"]], [each[name] for each in theirs]

    none = at_most(0)
    return [
        figure(
            f"{first}: errors",
            "",
            *opens("errors"),
            against=_AGAINST,
            target=none,
            note=_commonest([each for side, each in opened.items() if side != "ours"]),
        ),
        figure(f"{first}: tasks lost", "", *opens("lost"), against=_AGAINST, target=none),
        figure(f"{first}: worst open and first task", "ms", *opens("worst"), against=_AGAINST),
        figure(
            f"{crowd}: errors",
            "",
            *works("errors"),
            against=_AGAINST,
            target=none,
            note=_commonest(worked.get("theirs", [])),
        ),
        figure(f"{crowd}: doubled claims", "", *works("doubled"), against=_AGAINST, target=none),
        figure(
            f"{crowd}: not completed once", "", *works("unfinished"), against=_AGAINST, target=none
        ),
        figure(
            f"{crowd}: worst claim or completion",
            "ms",
            *works("worst_decision"),
            against=_AGAINST,
            target=at_most(500),
        ),
        figure(
            f"{crowd}: worst heartbeat",
            "ms",
            *works("worst_beat"),
            against=_AGAINST,
            target=at_most(50),
            note="ours at `interval`, theirs at `synchronous=FULL`, as both are by default",
        ),
        figure(
            f"{crowd}: tasks completed once, a second",
            "/s",
            *works("rate"),
            against=_AGAINST,
            target=at_least(1),
        ),
    ]


def open_at_once(side: str, folder: str, openers: int, times: int) -> Callable[[], dict[str, Any]]:
    """Return a role: many processes open a new board at once and add a task, many times."""
    kind = SIDES[side]

    def act() -> dict[str, Any]:
        errors, lost, worst = 0, 0, 0.0
        kinds: Counter[str] = Counter()
        for number in range(times):
            place = Path(folder) / str(number)
            place.mkdir(parents=True)

            def opens(process: int, place: str = str(place)) -> list[Any]:
                began = perf_counter()
                try:
                    board = kind(place)
                    board.add(f"task {process}")
                    board.close()
                except Exception as error:  # noqa: BLE001 - they are counted
                    return [1, (perf_counter() - began) * 1000, _named(error)]
                return [0, (perf_counter() - began) * 1000, ""]

            found = together(openers, opens)
            failed = sum(each[0] for each in found)
            errors += failed
            worst = max(worst, *(each[1] for each in found))
            kinds.update(each[2] for each in found if each[2])

            def counts(_: int, place: str = str(place)) -> int:
                try:
                    return kind(place).count()
                except Exception:  # noqa: BLE001 - a board that cannot be read has no task left
                    return 0

            lost += openers - failed - together(1, counts)[0]
        return {"errors": errors, "lost": lost, "worst": worst, "kinds": kinds}

    return act


def work(side: str, folder: str, workers: int, tasks: int) -> Callable[[], dict[str, Any]]:
    """Return a role: workers claim, beat and complete the tasks of one board."""
    kind = SIDES[side]
    Path(folder).mkdir(parents=True)

    def fill(_: int) -> None:
        board = kind(folder)
        for number in range(tasks):
            board.add(f"task {number}")
        board.count()  # who fills a board looks at it: ours makes its projection then
        board.close()

    together(1, fill)

    def works(number: int) -> dict[str, Any]:
        return _work(lambda: kind(folder), f"worker-{number}")

    def act() -> dict[str, Any]:
        began = perf_counter()
        found = together(workers, works)
        seconds = perf_counter() - began
        claims = Counter(task for each in found for task in each["claimed"])
        done = Counter(task for each in found for task in each["completed"])
        once = sum(1 for count in done.values() if count == 1)
        return {
            "errors": sum(each["errors"] for each in found),
            "doubled": sum(count - 1 for count in claims.values()),
            "unfinished": tasks - once,
            "worst_decision": max(each["worst_decision"] for each in found),
            "worst_beat": max(each["worst_beat"] for each in found),
            "rate": once / seconds,
            "kinds": sum((Counter(each["kinds"]) for each in found), Counter()),
        }

    return act


class _GaveUp(Exception):  # noqa: N818 - reads as a state
    """A call failed for so long that the worker ends."""


def _work(opens: Callable[[], Any], worker: str) -> dict[str, Any]:
    """Do tasks until there are none, or until a call fails for ten seconds."""
    found: dict[str, Any] = {"claimed": [], "completed": [], "errors": 0}
    found |= {"worst_decision": 0.0, "worst_beat": 0.0, "worst_open": 0.0, "kinds": Counter()}

    def timed(what: str, call: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401
        """Call until it succeeds; count errors, and note the whole wait."""
        began = perf_counter()
        try:
            while True:
                try:
                    return call(*arguments)
                except Exception as error:
                    found["errors"] += 1
                    found["kinds"][_named(error)] += 1
                    if perf_counter() - began > GIVE_UP:
                        raise _GaveUp from error
                    sleep(0.01)
        finally:
            found[what] = max(found[what], (perf_counter() - began) * 1000)

    try:
        board = timed("worst_open", opens)
        while (claim := timed("worst_decision", board.claim, worker)) is not None:
            found["claimed"].append(board.task_of(claim))
            for _ in range(_BEATS):
                sleep(_WORK)
                timed("worst_beat", board.beat, claim)
            timed("worst_decision", board.complete, claim)
            found["completed"].append(board.task_of(claim))
        board.close()
    except _GaveUp:
        pass  # its errors are counted, and its task is not completed
    return found


def _named(error: Exception) -> str:
    """Return the kind and the beginning of the message of an error."""
    return f"{type(error).__name__}: {str(error)[:60]}"


def _commonest(measured: Sequence[dict[str, Any]]) -> str:
    """Return the commonest error of hermes-agent as a note; empty if there was none."""
    kinds = sum((Counter(each["kinds"]) for each in measured), Counter[str]())
    if not kinds:
        return ""
    name, count = kinds.most_common(1)[0]
    return f"hermes-agent: {count:,} times {name!r}"
