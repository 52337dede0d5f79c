"""Which keys of a thread go when some of its checkpoints are deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projector.adapters.langgraph.checkpoints import Place, namespace, parts_of, places
from projector.adapters.langgraph.reading import Stored, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from projector.store import KeyView

Records = dict[str, Stored]
"""The checkpoints of a thread, by key."""


def without(keys: KeyView, thread: str, gone: Callable[[Records], Iterable[str]]) -> set[str]:
    """Return the keys to delete when some checkpoints of a thread go.

    Args:
        keys: the key-values.
        thread: the thread.
        gone: returns the keys of the checkpoints that go.

    Returns:
        Their keys, those of their writes, and those of the values that no other one has.
    """
    name = namespace(thread)
    found = keys.items("c/", namespace=name)
    stored = {
        key: read(keys, place, record)
        for place, (key, record) in zip(places(thread, found), found.items(), strict=True)
    }
    going = set(gone(stored))
    lost, left = _held(stored, going), _held(stored, stored.keys() - going)
    writes = {write for key in going for write in keys.names(_writes(stored[key]), namespace=name)}
    return going | writes | (lost - left)


def kept(stored: Records, deltas: Callable[[Stored], set[str]]) -> set[str]:
    """Return the keys of the last checkpoint of each namespace, and of those that it is read from.

    Args:
        stored: the checkpoints of a thread.
        deltas: returns the channels of a checkpoint that store deltas.
    """
    last: dict[str, str] = {}
    for key, it in sorted(stored.items()):
        last[it.place.ns] = key
    found: set[str] = set()
    for key in last.values():
        found.add(key)
        missing = deltas(stored[key]) - stored[key].record["channels"].keys()
        at = stored[key]
        while missing and (parent := at.record["parent"]) is not None:
            above = at.place.at(parent).key
            if above not in stored:
                break
            found.add(above)
            at = stored[above]
            missing -= at.record["channels"].keys()
    return found


def _writes(stored: Stored) -> str:
    place: Place = stored.place
    return place.writes


def _held(stored: Mapping[str, Any], keys: Iterable[str]) -> set[str]:
    """Return the keys of the values that checkpoints and their writes have."""
    return parts_of(record for key in keys for record in (stored[key].record, *stored[key].writes))
