"""Boolean expressions over terms, kept in a form that FTS5's parser always takes.

FTS5 knows no bare NOT: a negation is carried along (`Without`) until there is something beside it
that must be there. Groups are flattened as they are built, so their depth is that of the meaning
and not of the parentheses typed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
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


def has_unwanted(node: Node) -> bool:
    """Return whether `node` excludes something."""
    return len(list(leaves(node))) < len(list(leaves(node, unwanted=True)))


def has_literal(node: Node) -> bool:
    """Return whether a term below `node` has a literal."""
    return any(term.literal for term in leaves(node, unwanted=True))


def relaxed(node: Node) -> Node | None:
    """Return a node without literals that matches whatever `node` matches, and perhaps more.

    None stands for what matches everything.
    """
    if not has_literal(node):
        return node
    if isinstance(node, Term):
        return Term(node.words, node.prefix) if node.words else None
    if isinstance(node, Either):
        choices = [relaxed(choice) for choice in node.choices]
        return None if None in choices else _node(either_of(each for each in choices if each))
    wanted: list[Item] = [each for each in map(relaxed, node.wanted) if each is not None]
    # what is excluded by its literal may have its words
    wanted += [negation(each) for each in node.unwanted if not has_literal(each)]
    return _node(all_of(wanted))


def _node(item: Item | None) -> Node | None:
    return None if isinstance(item, Without) else item


def unmatched(node: Node, match: Node | None) -> Node | None:
    """Return what a text must hold beyond what `match`, its `relaxed` form, has made sure."""
    if not has_literal(node):
        return None
    if match is None or not isinstance(node, All):
        return node
    wanted: list[Item] = [each for each in node.wanted if has_literal(each)]
    wanted += [negation(each) for each in node.unwanted if has_literal(each)]
    found = all_of(wanted)
    return node if isinstance(found, Without) else found


def unindexed(node: Node, words: tuple[str, ...]) -> Node:
    """Return `node` with each prefix of these words as a literal, which no index is asked for."""
    if isinstance(node, Term):
        is_it = node.prefix and node.words == words
        return Term((), prefix=True, literal=node.literal or " ".join(words)) if is_it else node
    if isinstance(node, Either):
        return replace(node, choices=tuple(unindexed(each, words) for each in node.choices))
    wanted = tuple(unindexed(each, words) for each in node.wanted)
    unwanted = tuple(unindexed(each, words) for each in node.unwanted)
    return replace(node, wanted=wanted, unwanted=unwanted)
