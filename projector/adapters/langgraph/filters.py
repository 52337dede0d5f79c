"""What the items of a search must have, and which namespaces a list has."""

from __future__ import annotations

import operator
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langgraph.store.base import MatchCondition

_LETTERS = frozenset(ascii_letters + digits + "_.-")
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def check_filter(filter: Mapping[str, Any]) -> None:
    """Refuse a filter that LangGraph's own stores refuse.

    Raises:
        ValueError: a key has other characters than letters, digits, `_`, `.` and `-`, or an
            operator is unknown.
    """
    for key, wanted in filter.items():
        if not key or not _LETTERS.issuperset(key):
            raise ValueError(
                f"Invalid filter key: {key!r:.60}. It must have only letters, digits, '_', '.' and"
                " '-'"
            )
        for name in wanted if isinstance(wanted, dict) else ():
            if name.startswith("$") and name not in (*_COMPARED, "$eq", "$ne"):
                raise ValueError(f"Unsupported operator: {name!r:.60}")


def passes(value: Mapping[str, Any], filter: Mapping[str, Any]) -> bool:
    """Return whether a value has what a filter wants of its fields, named by dotted paths."""
    return all(_has(_at(value, key), wanted) for key, wanted in filter.items())


def _at(value: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - any JSON
    if path in value:
        return value[path]
    found: Any = value
    for name in path.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def _has(found: Any, wanted: Any) -> bool:  # noqa: ANN401 - any JSON
    if isinstance(wanted, dict):
        if any(name.startswith("$") for name in wanted):
            return all(_is(found, name, operand) for name, operand in wanted.items())
        return isinstance(found, dict) and all(
            _has(found.get(name), item) for name, item in wanted.items()
        )
    return _equal(found, wanted)


def _is(found: Any, name: str, operand: Any) -> bool:  # noqa: ANN401 - any JSON
    if name == "$eq":
        return _equal(found, operand)
    if name == "$ne":
        return not _equal(found, operand)
    both_numbers = _is_number(found) and _is_number(operand)
    both_texts = isinstance(found, str) and isinstance(operand, str)
    return (both_numbers or both_texts) and _COMPARED[name](found, operand)


def _equal(one: Any, other: Any) -> bool:  # noqa: ANN401 - any JSON
    # to Python's ==, true and 1 are equal
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def matches(condition: MatchCondition, namespace: tuple[str, ...]) -> bool:
    """Return whether a namespace has a beginning or an end; `*` is any label.

    Raises:
        ValueError: the condition is of another kind.
    """
    path = condition.path
    if condition.match_type == "prefix":
        labels = namespace[: len(path)]
    elif condition.match_type == "suffix":
        labels = namespace[max(0, len(namespace) - len(path)) :]
    else:
        raise ValueError(f"Unsupported match type: {condition.match_type!r:.60}")
    return len(labels) == len(path) and all(
        wanted in ("*", label) for wanted, label in zip(path, labels, strict=True)
    )
