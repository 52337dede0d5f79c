"""Search for one order of calls that explains every answer.

The search of Wing and Gong ("Testing and Verifying Concurrent Objects", 1993) with the memory and
the laziness of Lowe ("Testing for Linearizability", 2017): a call is put into the order when it, or
one after it, returns. The memory has the state, and the open calls that are in the order already.
So the cost grows with the number of concurrent calls, not with the length of the history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from .history import Call

    Config = tuple[Hashable, frozenset[Call]]
    Step = Callable[[Hashable, Call], Iterable[Hashable]]

State = TypeVar("State", bound="Hashable")


def unexplained(
    calls: Iterable[Call], start: State, step: Callable[[State, Call], Iterable[State]]
) -> Call | None:
    """Return the first call whose return no order explains; None if one explains all.

    Args:
        calls: calls about one object.
        start: the object's state before all of them.
        step: yields the states to which a call with its answer may lead from a state; none if the
            answer is impossible there.
    """
    moments = [
        moment for call in calls for moment in ((call.began, 0, call), (call.ended, 1, call))
    ]
    moments.sort(key=lambda moment: moment[:2])
    configs: set[tuple[State, frozenset[Call]]] = {(start, frozenset())}
    opened: set[Call] = set()
    for _, is_return, call in moments:
        if not is_return:
            opened.add(call)
            continue
        configs = _returned(call, configs, opened, step)
        if not configs:
            return call
        opened.remove(call)
    return None


def _returned(
    call: Call,
    configs: set[tuple[State, frozenset[Call]]],
    opened: set[Call],
    step: Callable[[State, Call], Iterable[State]],
) -> set[tuple[State, frozenset[Call]]]:
    """Return the possible states after a call has returned: it is in the order, or it was lost."""
    kept: set[tuple[State, frozenset[Call]]] = set()
    known, todo = set(configs), list(configs)
    while todo:
        state, done = todo.pop()
        if call in done:
            kept.add((state, done - {call}))
            continue
        if call.lost:
            kept.add((state, done))
        for other in opened - done:
            if other.behind in opened and other.behind not in done:
                continue
            for following in step(state, other):
                found = following, done | {other}
                if found not in known:
                    known.add(found)
                    todo.append(found)
    return kept
