"""One conversation that is given as a whole, as a tree of messages.

A person who edits a prompt, or asks for another answer, makes a second branch beside the first one.
One branch is live: it ends at the leaf that the program shows. The messages of the others are
archived: they are not in the transcript, and searches find them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from journal.format.event_types import MESSAGE_APPENDED, MESSAGE_ARCHIVED, MESSAGE_RESTORED
from journal.importers.parsing.events import fact, key
from journal.importers.parsing.parser import Found, SessionEnd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json

_LISTED = 5_000
"""Messages that one event names, so that records stay small."""


class Node(NamedTuple):
    """A place in the tree: made in little time, as each message has one.

    Attributes:
        id: its id.
        parent: the id of the place above it, or None.
        time: microseconds, or None if it has no time.
        value: the source's message.
    """

    id: str
    parent: str | None
    time: int | None
    value: Json


@dataclass(slots=True)
class MessageTree:
    """The places of one conversation.

    Attributes:
        nodes: the places by id, in the order of the source.
        keys: ids of the messages that were made of each place, in order.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)

    def add(self, node: Node) -> None:
        """Add a place."""
        self.nodes[node.id] = node

    def ordered(self) -> list[Node]:
        """Return the places: each after the one above it, and otherwise by their times."""
        times: dict[str, tuple[int, int]] = {}
        for id in self.nodes:
            path = self._up(id, times)
            for place in reversed(path):
                node = self.nodes[place]
                above, depth = times.get(node.parent or "", (0, 0))
                times[place] = (max(above, node.time or 0), depth + 1)
        return sorted(self.nodes.values(), key=lambda node: times[node.id])

    def path(self, leaf: str | None) -> list[str]:
        """Return the ids from the first place to a leaf; none if there is no such place."""
        return list(reversed(self._up(leaf, {})))

    def above(self, id: str) -> Iterator[str]:
        """Yield the ids of the places above a place, the nearest first; a cycle ends."""
        met = {id}
        parent = self.nodes[id].parent
        while parent in self.nodes and parent not in met:
            met.add(parent)
            yield parent
            parent = self.nodes[parent].parent

    def _up(self, id: str | None, known: dict[str, tuple[int, int]]) -> list[str]:
        """Return a place and those above it, up to a known one; a cycle ends."""
        path: dict[str, None] = {}
        while id is not None and id in self.nodes and id not in known and id not in path:
            path[id] = None
            id = self.nodes[id].parent
        return list(path)

    def items(
        self, line: int, session: str, made: Callable[[Node], Iterator[Item]], leaf: str | None
    ) -> Iterator[Item]:
        """Yield the items of all places in order, and then what archives the other branches.

        Args:
            line: number of the line.
            session: the session.
            made: makes the items of a place.
            leaf: the id of the last place of the live branch; without one all are live.
        """
        for node in self.ordered():
            for item in made(node):
                if isinstance(item, Found) and item.event["type"] == MESSAGE_APPENDED:
                    self.keys.setdefault(node.id, []).append(item.event["id"])
                yield item
        yield from self._branches(line, session, leaf)
        yield SessionEnd(line, session)

    def _branches(self, line: int, session: str, leaf: str | None) -> Iterator[Found]:
        """Yield the events that keep only the live branch in the transcript.

        A message of the live branch is restored only if another branch is younger than it: then an
        earlier export may have shown that one, and archived this.
        """
        live = dict.fromkeys(self.path(leaf))
        if not live:
            return
        others = [id for id in self.keys if id not in live]
        youngest = max((self.nodes[id].time or 0 for id in others), default=0)
        again = [id for id in live if id in self.keys and (self.nodes[id].time or 0) < youngest]
        shared = self._shared(others, live)
        again = [id for id in again if id not in shared]
        for type, ids in ((MESSAGE_ARCHIVED, others), (MESSAGE_RESTORED, again)):
            named = [key(made) for id in ids for made in self.keys[id]]
            for start in range(0, len(named), _LISTED):
                listed = named[start : start + _LISTED]
                data = {"messages": listed, "reason": "branch", "extra": {"leaf": leaf}}
                yield fact(line, session, type, data)

    def _shared(self, others: list[str], live: dict[str, None]) -> set[str]:
        """Return the places above all points where another branch begins: no branch left them."""
        points = {self.nodes[id].parent for id in others}
        first = next((id for id in live if id in points), None)
        shared: set[str] = set()
        for id in live:
            shared.add(id)
            if id == first:
                break
        return shared
