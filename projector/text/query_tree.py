"""Boolean expressions over terms, kept in a form that FTS5's parser always takes.

FTS5 knows no bare NOT: a negation is carried along (`Without`) until there is something beside it
that must be there. Groups are flattened as they are built, so their depth is that of the meaning
and not of the parentheses typed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from projector.errors import QueryError
from projector.text.term import Term

#: The most groups within each other that a query may have, once needless parentheses are gone.
MAX_DEPTH: Final = 16


@dataclass(frozen=True, slots=True)
class All:
    """Every one of `wanted` (not empty) and none of `unwanted`."""

    wanted: tuple["Node", ...]
    unwanted: tuple["Node", ...] = ()
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of `choices` (two or more)."""

    choices: tuple["Node", ...]
    depth: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Without:
    """Everything that `node` does not match."""

    node: "Node"


Node: TypeAlias = Term | All | Either
Item: TypeAlias = Node | Without


def all_of(items: Iterable[Item]) -> Item | None:
    """Return the item that matches what all of `items` match, as flat as can be."""
    wanted: dict[Node, None] = {}
    unwanted: dict[Node, None] = {}
    for item in items:
        if isinstance(item, All):
            wanted |= dict.fromkeys(item.wanted)
            unwanted |= dict.fromkeys(item.unwanted)
        elif isinstance(item, Without):
            unwanted |= dict.fromkeys(_choices(item.node))
        else:
            wanted[item] = None
    if not wanted:
        none = either_of(unwanted)
        return None if none is None else negation(none)
    if len(wanted) == 1 and not unwanted:
        return next(iter(wanted))
    return All(tuple(wanted), tuple(unwanted), _depth((*wanted, *unwanted)))


def either_of(items: Iterable[Item]) -> Item | None:
    """Return the item that matches what any of `items` match, as flat as can be."""
    choices: dict[Node, None] = {}
    excluded: list[Node] = []
    for item in items:
        if isinstance(item, Without):
            excluded.append(item.node)
        else:
            choices |= dict.fromkeys(_choices(item))
    if excluded:  # (a OR NOT b) is everything but what is b and not a
        rest = all_of([*excluded, *map(Without, choices)])
        return None if rest is None else negation(rest)
    if len(choices) > 1:
        return Either(tuple(choices), _depth(choices))
    return next(iter(choices), None)


def _depth(children: Iterable[Node]) -> int:
    """Return the depth of a node over `children`; bounded, for FTS5's parser and our recursion."""
    depth = 1 + max(0 if isinstance(child, Term) else child.depth for child in children)
    if depth > MAX_DEPTH:
        raise QueryError(
            f"the query has groups more than {MAX_DEPTH} deep in each other. "
            "Take out parentheses, or search for less at once."
        )
    return depth


def negation(item: Item) -> Item:
    """Return the item that matches what `item` does not."""
    return item.node if isinstance(item, Without) else Without(item)


def _choices(node: Node) -> tuple[Node, ...]:
    return node.choices if isinstance(node, Either) else (node,)


def leaves(node: Node, *, unwanted: bool = False) -> Iterator[Term]:
    """Yield the terms below `node`, those that must not be there only if asked for."""
    waiting: list[Node] = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Term):
            yield node
        elif isinstance(node, Either):
            waiting += reversed(node.choices)
        else:
            waiting += reversed(node.wanted + node.unwanted if unwanted else node.wanted)


def render(node: Node) -> str:
    """Return `node` as an FTS5 expression, with parentheses round everything but a term."""
    if isinstance(node, Term):
        return node.match()
    if isinstance(node, Either):
        return _join(" OR ", node.choices)
    wanted = _join(" AND ", node.wanted)
    if not node.unwanted:
        return wanted
    if len(node.wanted) > 1:
        wanted = f"({wanted})"
    unwanted = _join(" OR ", node.unwanted)
    return f"{wanted} NOT ({unwanted})" if len(node.unwanted) > 1 else f"{wanted} NOT {unwanted}"


def _join(operator: str, nodes: tuple[Node, ...]) -> str:
    return operator.join(
        render(node) if isinstance(node, Term) else f"({render(node)})" for node in nodes
    )
