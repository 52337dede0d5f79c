"""The states that a disk may have after a power loss, computed from a log of operations. Pure.

**Assumptions** (POSIX promises no more than this, and each case was observed on ext4, xfs or btrfs
in some mode: Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014; Mohan et al.,
"Finding Crash-Consistency Bugs with Bounded Black-Box Crash Testing", OSDI 2018):

- The bytes of a file up to its last successful fdatasync or fsync are kept. Of the bytes written
  after them, the disk may have any prefix, cut at any byte; or the size without the bytes (zeros);
  or any of the 512-byte blocks, or any of the writes, without earlier ones; or other bytes.
- Bytes that were cut off the end of a file may be there again until its next sync.
- A sync covers what was written before it began. After a sync that failed, nothing that was not
  durable before ever becomes durable: the kernel may have dropped the pages, and a later sync
  succeeds without them (Rebello et al., USENIX ATC 2020).
- Each name in a folder has, independently of all other names and of the bytes of files, its state
  at the folder's last sync or after any later change: a file may have no name, a name may have an
  empty file, half of a rename may be done. The sync of a file does not make its name durable, and
  the sync of a folder does not make the folder's own name durable.

**Enumeration**, complete and without chance, before each next step of the log: every combination of
names, up to `ALL_NAMES` of them, with all files as they are and with all files as they were synced;
every form of every file (`crash/forms.py` states their bounds) with everything else new and with
everything else old; and every form of every file with every form of every other and every
combination of names, if that gives at most `room` trees. Beyond this bound trees are drawn at
random, and marked: `samples` a step of names and forms mixed, `ALL_NAMES` if there are more
combinations than that, and what `crash/forms.py` draws.

**Not modelled**: durable bytes are never damaged or lost (disks that lie, bit rot); old blocks of
other files never appear in a file (ext4 without ordered data) except as noise; permissions; a
folder whose sync failed counts as durable after a later sync succeeds, because file systems with a
journal of names stop completely if it cannot be written; SQLite's own files have their content of
the last sync.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from tests.torture.crash.forms import forms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from random import Random

_K = TypeVar("_K")
_V = TypeVar("_V")

Key = tuple[str, str]
"""The key of an event: session and id."""


class Node(NamedTuple):
    """A file or folder, independent of its names."""

    number: int
    folder: bool


ROOT = Node(0, folder=True)
"""A folder that existed, durable and empty, before the first operation."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names that one step created or, with None, removed."""

    changes: tuple[tuple[Node, str, Node | None], ...]


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes appended to a file; `short` if fewer were written than were given."""

    node: Node
    data: bytes
    short: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """Bytes removed from the end of a file: it has `size` bytes left."""

    node: Node
    size: int


@dataclass(frozen=True, slots=True)
class Synced:
    """A sync that returned: it covers the operations before place `begun` of the log."""

    node: Node
    begun: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A sync of a file that failed."""

    node: Node


@dataclass(frozen=True, slots=True)
class Tried:
    """Events about to be appended: their keys, and their type and data in canonical form."""

    events: tuple[tuple[Key, bytes], ...]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Events that were promised to survive a power loss, or only the death of the process."""

    keys: frozenset[Key]
    durable: bool


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Events that are about to be erased, or that were reported as erased."""

    keys: frozenset[Key]
    is_over: bool


Step = Names | Write | Cut | Synced | Refused | Tried | Acknowledged | Forgotten


@dataclass(frozen=True, slots=True)
class Stored:
    """A file as a power loss left it.

    Attributes:
        content: its bytes.
        durable: how many of them were synced.
        torn: where writes were cut short before, as first and last offset.
    """

    content: bytes
    durable: int
    torn: tuple[tuple[int, int], ...] = ()


Tree = dict[str, Stored | None]
"""The content of a disk, by path from the root, parents first; None is a folder."""

Way = Literal["plain", "enumerated", "drawn"]
"""How a tree was derived: a plain combination of names, another one in the bound, or at random."""

ALL_NAMES = 2048
"""The number of combinations of names up to which all of them are enumerated."""


@dataclass(slots=True)
class _File:
    content: bytes = b""
    durable: int = 0
    ends: list[tuple[int, int]] = field(default_factory=list)  # place in the log, size after it
    torn: list[tuple[int, int]] = field(default_factory=list)
    refused: bool = False
    uncut: bytes = b""  # the content before a cut that was not synced since
    cut_at: int = -1  # its place in the log

    @property
    def is_unsure(self) -> bool:
        """Whether a power loss may leave other bytes."""
        return self.durable < len(self.content) or bool(self.uncut)

    def forms(self, random: Random) -> dict[bytes, bool]:
        """Return each form once, and whether only random choice gives it."""
        whole = self.uncut or self.content
        ends = [*(size for _, size in self.ends), len(whole)]
        found: dict[bytes, bool] = {self.content: False}
        for content, drawn in forms(whole, self.durable, ends, random):
            found[content] = drawn and found.get(content, True)
        return found


class Model:
    """A disk, its cache and the promises, after some steps.

    Attributes:
        tried: for each key, the contents of all attempts to append it.
        survive_power: keys that were acknowledged to survive a power loss.
        survive_death: keys that were acknowledged at all.
        forgotten: keys that need not survive, since they are erased.
        erased: those of them whose bytes must not exist.
    """

    def __init__(self) -> None:
        self.tried: dict[Key, list[bytes]] = {}
        self.survive_power: set[Key] = set()
        self.survive_death: set[Key] = set()
        self.forgotten: set[Key] = set()
        self.erased: set[Key] = set()
        self._files: dict[Node, _File] = {}
        self._names: dict[Node, dict[str, list[tuple[int, Node | None]]]] = {}
        self._place = 0

    def take(self, step: Step) -> None:
        """Apply the next step of the log."""
        match step:
            case Names():
                for folder, name, node in step.changes:
                    values = self._names.setdefault(folder, {}).setdefault(name, [(-1, None)])
                    values.append((self._place, node))
            case Write():
                self._write(step)
            case Cut():
                self._cut(step)
            case Synced():
                self._sync(step)
            case Refused():
                self._files.setdefault(step.node, _File()).refused = True
            case Tried():
                for key, content in step.events:
                    self.tried.setdefault(key, []).append(content)
            case Acknowledged() | Forgotten():
                self._promise(step)
        self._place += 1

    def _promise(self, step: Acknowledged | Forgotten) -> None:
        match step:
            case Acknowledged():
                self.survive_death |= step.keys
                if step.durable:
                    self.survive_power |= step.keys
            case Forgotten():
                self.forgotten |= step.keys
                if step.is_over:
                    self.erased |= step.keys

    def _sync(self, step: Synced) -> None:
        if step.node.folder:
            for name, values in self._names.get(step.node, {}).items():
                past = [value for value in values if value[0] < step.begun]
                self._names[step.node][name] = [*past[-1:], *values[len(past) :]]
            return
        file = self._files.setdefault(step.node, _File())
        if not file.refused:
            ends = (size for place, size in file.ends if place < step.begun)
            file.durable = max([file.durable, *ends])
            if file.cut_at < step.begun:
                file.uncut = b""

    def _cut(self, step: Cut) -> None:
        file = self._files.setdefault(step.node, _File())
        file.durable = min(file.durable, step.size)  # a sync may have covered an unfinished line
        file.uncut, file.cut_at = file.uncut or file.content, self._place
        file.content = file.content[: step.size]
        file.ends = [(place, min(size, step.size)) for place, size in file.ends]
        file.torn = [(first, last) for first, last in file.torn if first < step.size]

    def _write(self, step: Write) -> None:
        file = self._files.setdefault(step.node, _File())
        if file.refused:
            raise AssertionError("a file was written to after its sync had failed")
        before = len(file.content)
        file.content += step.data
        file.ends.append((self._place, len(file.content)))
        if step.short:
            file.torn.append((before, len(file.content)))

    @property
    def settled(self) -> bool:
        """Whether a power loss would change nothing."""
        names = (len(values) for folder in self._names.values() for values in folder.values())
        return all(count == 1 for count in names) and all(
            not file.is_unsure for file in self._files.values()
        )

    def as_it_is(self) -> Tree:
        """Return the disk after the death of every process."""
        return self._tree({}, {})

    def after_power_loss(
        self, random: Random, samples: int, room: int
    ) -> Iterator[tuple[Tree, Way]]:
        """Yield the possible trees after a power loss, each with how it was derived.

        A tree may occur more than once.
        """
        names = {
            (folder, name): list(dict.fromkeys(node for _, node in reversed(values)))
            for folder, entries in self._names.items()
            for name, values in entries.items()
            if len(values) > 1
        }
        unsure = {n: file for n, file in self._files.items() if file.is_unsure}
        old = {node: file.content[: file.durable] for node, file in unsure.items()}
        way: Way
        for chosen, way in _combinations(list(names.values()), random):
            yield self._tree(_zip(names, chosen), {}), way
            yield self._tree(_zip(names, chosen), old), way
        left = {node: file.forms(random) for node, file in unsure.items()}
        if prod(map(len, names.values())) * prod(map(len, left.values())) <= room:
            for chosen in product(*names.values()):
                for contents in product(*left.values()):
                    picked = _zip(left, contents)
                    yield self._tree(_zip(names, chosen), picked), _way(left, picked)
            return
        for node, contents_of_it in left.items():
            for content, drawn in contents_of_it.items():
                way = "drawn" if drawn else "enumerated"
                yield self._tree({}, {node: content}), way
                yield self._tree({}, {**old, node: content}), way
        lists = {node: list(contents) for node, contents in left.items()}
        for _ in range(samples):
            drawn_names = {at: _pick(values, random) for at, values in names.items()}
            mixed = {node: _pick(contents, random) for node, contents in lists.items()}
            yield self._tree(drawn_names, mixed), "drawn"

    def _tree(self, names: dict[tuple[Node, str], Node | None], files: dict[Node, bytes]) -> Tree:
        """Build a tree; a node without a choice has its state in the cache."""
        tree: Tree = {}
        stored: dict[Node, Stored] = {}

        def add(folder: Node, path: str) -> None:
            for name, values in self._names.get(folder, {}).items():
                node = names.get((folder, name), values[-1][1])
                if node is None:
                    continue
                if node.folder:
                    tree[path + name] = None
                    add(node, f"{path}{name}/")
                    continue
                if node not in stored:
                    file = self._files.get(node) or _File()
                    content = files.get(node, file.content)
                    stored[node] = Stored(content, file.durable, tuple(file.torn))
                tree[path + name] = stored[node]

        add(ROOT, "")
        return tree


def _zip(keys: Iterable[_K], values: Iterable[_V]) -> dict[_K, _V]:
    return dict(zip(keys, values, strict=True))


def _way(forms: dict[Node, dict[bytes, bool]], picked: dict[Node, bytes]) -> Way:
    drawn = any(forms[node][content] for node, content in picked.items())
    return "drawn" if drawn else "enumerated"


def _combinations(choices: list[list[_V]], random: Random) -> Iterator[tuple[tuple[_V, ...], Way]]:
    """Yield all combinations of the choices, or `ALL_NAMES` at random if there are more."""
    if prod(map(len, choices)) <= ALL_NAMES:
        yield from ((chosen, "plain") for chosen in product(*choices))
        return
    yield tuple(values[0] for values in choices), "plain"
    for _ in range(ALL_NAMES):
        yield tuple(_pick(values, random) for values in choices), "drawn"


def _pick(values: list[_V], random: Random) -> _V:
    """Choose one; the newest and the oldest are chosen more often than those between."""
    return values[random.choice([0, -1, random.randrange(len(values))])]
