"""A real store and ours, which get the same calls."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from projector.adapters.hermes import SessionDB

LATER = 12
"""Schemas from this version on are of a Hermes after 0.13."""
START = 1_790_000_000


class Clock:
    """The clock of both stores: it advances only between calls."""

    def __init__(self) -> None:
        self.millis = START * 1000

    def seconds(self) -> float:
        """Return the time in seconds."""
        return self.millis / 1000

    def micros(self) -> int:
        """Return the time in microseconds."""
        return self.millis * 1000

    def pass_(self, millis: int) -> None:
        """Advance the clock."""
        self.millis += millis


class Pair:
    """A real store and ours, which get the same calls; ours gives other ids to messages.

    Attributes:
        ids: the real id of each message, and ours.
        version: the schema version of the real one.
    """

    def __init__(self, real: Any, ours: SessionDB, version: int) -> None:  # noqa: ANN401 - a foreign class
        self.real, self.ours, self.version = real, ours, version
        self.ids: dict[int, int] = {}

    def both(self, name: str, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - any answer
        """Call a method of both and compare the results; return the real one's."""
        theirs, got = self.call(name, *args, **kwargs)
        assert self.alike(got, theirs, ours=True) == self.alike(theirs, theirs), (
            f"{name}{args}{kwargs}"
        )
        return theirs

    def call(self, name: str, *args: object, **kwargs: object) -> tuple[object, object]:
        """Call a method of both; return both results, with the real one's ids of messages."""
        mine = [self.ids.get(a, a) if type(a) is int and a in self.ids else a for a in args]
        theirs = outcome(getattr(self.real, name), *args, **kwargs)
        got = outcome(getattr(self.ours, name), *mine, **kwargs)
        return theirs, got

    def append(self, session: str, *args: Any, **kwargs: Any) -> int:  # noqa: ANN401 - a message
        """Append a message to both; return the real id."""
        theirs = int(self.real.append_message(session, *args, **kwargs))
        self.ids[theirs] = self.ours.append_message(session, *args, **kwargs)
        return theirs

    def align(self, session: str) -> None:
        """Match the messages of a session by content, and compare their rows."""
        more = {"include_inactive": True} if self.version >= LATER else {}
        theirs = self.real.get_messages(session, **more)
        ours = self.ours.get_messages(session, **more)
        assert [row["content"] for row in ours] == [row["content"] for row in theirs]
        for their, our in zip(theirs, ours, strict=True):
            self.ids[their["id"]] = our["id"]
        self.both("get_messages", session, **more)

    def alike(self, value: object, shape: object, *, ours: bool = False) -> object:
        """Return a value for the comparison: the real one's keys and ids, times in milliseconds."""
        if isinstance(value, dict):
            like = shape if isinstance(shape, dict) else value
            return {
                key: self.column(key, value.get(key, "missing"), like[key], ours=ours)
                for key in like
            }
        if isinstance(value, list | tuple):
            is_like = isinstance(shape, list | tuple) and len(shape) == len(value)
            shapes = shape if isinstance(shape, list | tuple) and is_like else value
            return [self.alike(v, s, ours=ours) for v, s in zip(value, shapes, strict=True)]
        return round(value, 3) if isinstance(value, float) else value

    def column(self, key: str, value: object, shape: object, *, ours: bool) -> object:
        """Return a column for the comparison."""
        if key in {"id", "new_head_id"} and isinstance(value, int) and ours:
            return {mine: real for real, mine in self.ids.items()}.get(value, f"unknown {value}")
        return self.alike(value, shape, ours=ours)


def outcome(call: Callable[..., object], *args: object, **kwargs: object) -> object:
    """Return what a call returns, or the error that it raises."""
    try:
        return call(*args, **kwargs)
    except ValueError as error:
        return "ValueError", str(error).split("message ")[0]
    except (sqlite3.IntegrityError, ImportError) as error:  # sources alone lack imports
        return "ImportError" if isinstance(error, ImportError) else "IntegrityError"
