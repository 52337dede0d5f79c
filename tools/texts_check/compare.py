"""Compares the pieces of a session as the raw files have them with those of the journal."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    from tools.texts_check.pieces import Piece

EXAMPLES = 20
_SHOWN = 160
_TAGS = re.compile(r"<[^<>]*>|\0|\s")


@dataclass(slots=True)
class Found:
    """What the journal has of a session.

    Attributes:
        pieces: its pieces in the order of its messages, each with the number of its message.
        aside: other strings of its messages and events, such as those in `extra`.
        conflicts: texts of events that are not in force.
    """

    pieces: list[tuple[int, Piece]] = field(default_factory=list)
    aside: str = ""
    conflicts: str = ""


@dataclass(slots=True)
class Counts:
    """Counts of a comparison.

    Attributes:
        compared: pieces of the raw files.
        equal: those that the journal has as they are; all but the others.
        joined: those that are within a longer text.
        aside: those that are only in `extra`, or in another field.
        conflicts: those that are only in an event that is not in force.
        lost: those that are nowhere, and may not be.
        losses: those that are nowhere, by the reason that `docs/sources.md` gives.
        doubled: pieces of the journal that are more often there than in the raw files.
        more: pieces of the journal that no reader has found.
        order: pieces that are not in the order of a file that has them.
        roles: pieces with another role.
        names: calls and results with another name of the tool.
        ids: calls and results with another id of the call.
        examples: some of each fault, as (kind of fault, session, text).
    """

    compared: int = 0
    equal: int = 0
    joined: int = 0
    aside: int = 0
    conflicts: int = 0
    lost: int = 0
    losses: dict[str, int] = field(default_factory=dict)
    doubled: int = 0
    more: int = 0
    order: int = 0
    roles: int = 0
    names: int = 0
    ids: int = 0
    examples: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def faults(self) -> int:
        """How many counts there are that the journal may not have."""
        found = (self.lost, self.doubled, self.more, self.order, self.roles, self.names, self.ids)
        return sum(found)

    def fault(self, name: str, session: str, what: str) -> None:
        """Count a fault, and keep the first ones of its kind."""
        setattr(self, name, getattr(self, name) + 1)
        if sum(kind == name for kind, _, _ in self.examples) < EXAMPLES:
            self.examples.append((name, session, what[:_SHOWN]))


@dataclass(slots=True)
class _Side:
    """The pieces of the journal, which are used up as the raw ones are found among them."""

    pieces: list[tuple[int, Piece]]
    left: dict[int, str] = field(default_factory=dict)  # what of a piece is not used up
    _pools: dict[Hashable, list[int]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for at, (_, piece) in enumerate(self.pieces):
            self.left[at] = piece.text
            for key in _keys(piece):
                self._pools[key].append(at)

    def take(self, key: Hashable, before: int = 0) -> int | None:
        """Use up an equal piece, one that has this key of `_keys`.

        Of several, it is the first one that is not in a message before one with this number, else
        the first one: which of them it is makes a difference for the order alone.
        """
        pool = self._pools.get(key, [])
        pool[:] = [at for at in pool if self.left.get(at) == self.pieces[at][1].text]
        if not pool:
            return None
        place = bisect_left(pool, before, key=lambda at: self.pieces[at][0])
        at = pool.pop(place if place < len(pool) else 0)
        del self.left[at]
        return at

    def take_equal(self, pieces: Sequence[tuple[int, Piece]]) -> dict[int, int]:
        """Use up the equal pieces of raw ones.

        All that agree in id, kind and role are matched before any that agree in less, so that a
        piece whose role is not known does not take the one of another.

        Args:
            pieces: raw pieces.

        Returns:
            For the index of each that was found, the index of what was used up.
        """
        found: dict[int, int] = {}
        keys = [tuple(_keys(piece)) if piece.once else () for _, piece in pieces]
        for level in range(max(map(len, keys), default=0)):
            before = 0
            for index, of_piece in enumerate(keys):
                if index not in found and level < len(of_piece):
                    at = self.take(of_piece[level], before)
                    if at is not None:
                        found[index] = at
                if index in found:
                    before = self.pieces[found[index]][0]
        return found

    def take_any(self, piece: Piece) -> bool:
        """Use up an equal piece, best one of the same id and kind, if there is one."""
        return any(self.take(key) is not None for key in _keys(piece))

    def take_several(self, piece: Piece) -> int | None:
        """Use up pieces that are a text together; tags around them and white space may be gone."""
        rest, used = piece.text, []
        for at, left in self.left.items():
            part = left.strip()
            if part and part in rest:
                rest = rest.replace(part, "\0", 1)
                used.append(at)
        if not used or _TAGS.sub("", rest):
            return None
        for at in used:
            del self.left[at]
        return used[0]

    def take_part(self, piece: Piece) -> int | None:
        """Use up a part of a longer piece."""
        wanted = piece.text.strip()
        order = sorted(self.left, key=lambda at: self.pieces[at][1].kind != piece.kind)
        for at in order:
            left = self.left[at]
            start = left.find(wanted)
            if start >= 0:
                self.left[at] = f"{left[:start]}\0{left[start + len(wanted) :]}"
                return at
        return None


def compare(
    session: str,
    raw: Sequence[tuple[int, Piece]],
    found: Found,
    counts: Counts,
    files: Sequence[Mapping[int, int]] = (),
) -> None:
    """Compare the pieces of one session, and add to the counts.

    Args:
        session: its id, for examples.
        raw: pieces of the raw files, each with the number of its item.
        found: what the journal has.
        counts: is added to.
        files: the place of each item in each file, by its number; without any, the numbers are the
            places in one file. What two files have gives no order between them.
    """
    side = _Side(found.pieces)
    counts.compared += len(raw)
    equal = side.take_equal(raw)
    counts.equal += len(equal)
    matches: list[tuple[int, int]] = []
    for index, match in equal.items():
        number, piece = raw[index]
        _same_about(session, piece, found.pieces[match][1], counts)
        matches.append((found.pieces[match][0], number))
    rest = [each for index, each in enumerate(raw) if index not in equal]
    whole = "\0".join(piece.text for _, piece in found.pieces)
    for number, piece in rest:
        at = side.take_part(piece) if piece.once else None
        if at is None and piece.once:
            at = side.take_several(piece)
        if at is not None:
            counts.joined += 1
            _same_about(session, piece, found.pieces[at][1], counts)
            matches.append((found.pieces[at][0], number))
        elif not piece.once and (side.take_any(piece) or piece.text.strip() in whole):
            counts.equal += 1
        else:
            _missing(session, piece, found, counts)
    known = {piece.text.strip() for _, piece in raw}
    for at, left in side.left.items():
        piece = found.pieces[at][1]
        if left == piece.text:
            name = "doubled" if left.strip() in known else "more"
            counts.fault(name, session, f"{piece.kind} {piece.role} {piece.text}")
    places = files or [{number: number for _, number in matches}]
    moved = {pair for each in places for pair in _out_of_order(matches, each)}
    for message, item in sorted(moved):
        counts.fault("order", session, f"message {message} is item {item}")


def _missing(session: str, piece: Piece, found: Found, counts: Counts) -> None:
    """Count a piece that no message has."""
    if piece.loss and piece.text.strip() in found.aside:
        counts.equal += 1
    elif piece.loss:
        counts.losses[piece.loss] = counts.losses.get(piece.loss, 0) + 1
    elif piece.text.strip() in found.aside:
        counts.fault("aside", session, f"{piece.kind} {piece.text}")
    elif piece.text.strip() in found.conflicts:
        counts.fault("conflicts", session, f"{piece.kind} {piece.text}")
    else:
        counts.fault("lost", session, f"{piece.kind} {piece.role} {piece.text}")


def _keys(piece: Piece) -> Iterable[Hashable]:
    stripped = piece.text.strip()
    yield (piece.kind, piece.id or None, stripped, piece.role)
    yield (piece.kind, piece.role, stripped)
    yield (piece.kind, stripped)
    yield stripped


def _same_about(session: str, raw: Piece, found: Piece, counts: Counts) -> None:
    """Count a role, a name or an id that differ."""
    if raw.role and raw.role != found.role:
        counts.fault("roles", session, f"{raw.role} is {found.role}: {raw.text}")
    if raw.name and raw.name != found.name:
        counts.fault("names", session, f"{raw.name} is {found.name}: {raw.text}")
    if raw.id and raw.id != found.id:
        counts.fault("ids", session, f"{raw.id} is {found.id}: {raw.text}")


def _out_of_order(
    matches: list[tuple[int, int]], places: Mapping[int, int]
) -> Iterator[tuple[int, int]]:
    """Yield the matches that would have to be moved: all but the longest increasing sequence."""
    ends: list[int] = []
    for message, item in sorted(match for match in matches if match[1] in places):
        end = bisect_right(ends, places[item])
        if end < len(ends):
            yield message, item
        ends[end : end + 1] = [places[item]]
    # each match either lengthens the sequence or is yielded; the longest one has len(ends)
