"""The answers that a single process would get: keys, claims and titles as plain values."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from .checker import unexplained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .history import Call

KEY, CLAIM, TITLE = "key", "claim", "title"
_MICROSECOND = 1_000
_SLACK = 2 * _MICROSECOND
"""Nanoseconds by which a claim's end may differ: it is stored in whole microseconds."""


def key(value: object, call: Call) -> Iterable[object]:
    """Step of a key: `get`, `set`, `compare` (expected, new) and `swap` (new, answers the old)."""
    if call.what == "set":
        return (call.given[0],)
    if call.what == "compare":
        expected, new = call.given
        if call.lost or call.got:
            return (new,) if value == expected else ()
        return (value,) if value != expected else ()
    if call.what == "swap":
        return (call.given[0],) if call.lost or call.got == value else ()
    return (value,) if call.lost or call.got == value else ()


class ClaimState(NamedTuple):
    """State of a claim: the last token, the token in force or 0, and its term."""

    last: int = 0
    token: int = 0
    term: str = ""


def claim(at: ClaimState, call: Call) -> Iterable[ClaimState]:
    """Step of a claim.

    `claim` (term) answers the token or None; `renew` (token, term) and `release` (token) answer
    whether the token was in force; `holder` answers the token in force or 0; a `term` (term)
    expires.
    """
    if call.what == "claim":
        return _claimed(at, call)
    if call.what == "term":
        return (ClaimState(at.last) if at.term == call.given[0] else at,)
    if call.what == "holder":
        return (at,) if call.lost or call.got == at.token else ()
    token = call.given[0]
    if not call.lost and call.got != (token == at.token):
        return ()
    if token != at.token:
        return (at,)
    return (at._replace(term=call.given[1]) if call.what == "renew" else ClaimState(at.last),)


def _claimed(at: ClaimState, call: Call) -> Iterable[ClaimState]:
    [term] = call.given[:1]
    if not call.lost and call.got is None:
        return (at,) if at.token else ()
    token = at.last + 1 if call.lost else call.got
    return (ClaimState(token, token, term),) if not at.token and token > at.last else ()


def title(owner: str | None, call: Call) -> Iterable[str | None]:
    """Step of a title: `title` (session) answers the session that has it."""
    [session] = call.given
    if call.lost or call.got == session:
        return (session,) if owner in (None, session) else ()
    return (owner,) if owner == call.got else ()


def terms(call: Call) -> Iterator[Call]:
    """Yield the end of the time for which a call holds a claim.

    Its length in microseconds is the last argument of `claim` and `renew`.
    """
    if call.what in ("claim", "renew") and (call.lost or call.got):
        term, length = call.given[-2:]
        first, last = (at + length * _MICROSECOND for at in (call.began, call.ended))
        yield replace(
            call,
            what="term",
            given=(term,),
            got=None,
            began=first - _SLACK,
            ended=last + _SLACK,
            lost=False,
            behind=call,
        )


_MODELS: dict[str, tuple[Any, Callable[[Any, Call], Iterable[Any]]]] = {
    KEY: (None, key),
    CLAIM: (ClaimState(), claim),
    TITLE: (None, title),
}


def judge(calls: Iterable[Call]) -> list[str]:
    """Return a description of the first call that no order of the calls explains.

    Args:
        calls: `thing` begins with KEY, CLAIM or TITLE and a blank.
    """
    faults = []
    found = sorted(calls, key=lambda call: (call.thing, call.began))
    for thing, group in groupby(found, key=lambda call: call.thing):
        some = list(group)
        start, step = _MODELS[thing.partition(" ")[0]]
        every = some + [end for call in some for end in terms(call)]
        wrong = unexplained(every, start, step)
        if wrong is not None:
            faults.append(
                f"{thing}: no order of the calls explains {_shown(wrong)}{_near(some, wrong)}"
            )
    return faults


def _near(calls: list[Call], wrong: Call) -> str:
    """Show the calls that overlap with one, and the last that ended before them."""
    ended = sorted((call for call in calls if call.ended < wrong.began), key=lambda c: c.ended)
    beside = [c for c in calls if c.ended >= wrong.began and c.began <= wrong.ended]
    return "".join(f"\n    {_shown(call)}" for call in [*ended[-6:], *beside])


def _shown(call: Call) -> str:
    answer = "killed" if call.lost else repr(call.got)
    began, ended = (at / 1e9 for at in (call.began, call.ended))
    return f"{call.what}{call.given} -> {answer} in {began:.6f}..{ended:.6f}"
