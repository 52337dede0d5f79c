"""What the turns of a conversation used: events of it, and the SDK's tables made of these. Pure."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_COUNTS = ("requests", "input_tokens", "output_tokens", "total_tokens")
_DETAILS = ("input_tokens_details", "output_tokens_details")


def used(result: Any, session: str, first: str) -> tuple[str, dict[str, Any]]:  # noqa: ANN401 - of the SDK
    """Return the id of the event that says what a run used, and its data.

    The call is the turn's: of several runs in one turn each counter counts by its greatest value.

    Args:
        result: the SDK's result of a run.
        session: the session in which it ran.
        first: the id of the first message of its turn.
    """
    usage = result.context_wrapper.usage
    counts = {name: getattr(usage, name, 0) or 0 for name in _COUNTS}
    details = {name: _plain(getattr(usage, name, None)) for name in _DETAILS}
    data = {
        "input_tokens": counts["input_tokens"],
        "output_tokens": counts["output_tokens"],
        "cache_read_tokens": details["input_tokens_details"].get("cached_tokens"),
        "cache_write_tokens": details["input_tokens_details"].get("cache_write_tokens"),
        "reasoning_tokens": details["output_tokens_details"].get("reasoning_tokens"),
        "api_calls": counts["requests"],
        "model": _model(result),
        "call": f"{session} {first}",
        "extra": {"input_includes_cache": True, "turn": first, **counts, **details},
    }
    data = {name: value for name, value in data.items() if value is not None}
    digest = blake2b(orjson.dumps(data, option=orjson.OPT_SORT_KEYS), digest_size=10).hexdigest()
    return f"usage:{digest}", data


def turn_rows(
    extras: Iterable[Mapping[str, Any]], firsts: Mapping[int, str]
) -> list[dict[str, Any]]:
    """Return what each turn used, in the form of the SDK.

    Args:
        extras: `extra` of the events.
        firsts: the id of the first message of each turn that there is.
    """
    by_first: dict[str, list[Mapping[str, Any]]] = {}
    for extra in extras:
        by_first.setdefault(extra.get("turn", ""), []).append(extra)
    return [
        {
            "user_turn_number": turn,
            **{name: max(each.get(name, 0) for each in runs) for name in _COUNTS},
            **_details(max(runs, key=lambda each: each.get("total_tokens", 0))),
        }
        for turn, first in sorted(firsts.items())
        if (runs := by_first.get(first))
    ]


def total(rows: Iterable[Mapping[str, Any]]) -> dict[str, int] | None:
    """Return the sums of the usage of turns, in the form of the SDK; None if there is none."""
    listed = list(rows)
    if not listed:
        return None
    return {name: sum(row[name] for row in listed) for name in _COUNTS} | {
        "total_turns": len(listed)
    }


def _details(extra: Mapping[str, Any]) -> dict[str, Any]:
    return {name: extra.get(name) or None for name in _DETAILS}


def _plain(details: object) -> dict[str, Any]:
    """Return the fields of a value of the SDK's that are numbers or texts."""
    if is_dataclass(details) and not isinstance(details, type):
        found = asdict(details)
    else:
        found = dict(vars(details)) if details is not None else {}
    return {name: value for name, value in found.items() if type(value) in {int, str}}


def _model(result: Any) -> str | None:  # noqa: ANN401 - of the SDK
    """Return the name of the model of the agent that answered; None if the agent does not say."""
    model = getattr(getattr(result, "last_agent", None), "model", None)
    name = model if isinstance(model, str) else getattr(model, "model", None)
    return name if isinstance(name, str) and name else None
