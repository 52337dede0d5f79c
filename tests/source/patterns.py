"""Every regular expression of the product, and a search for those that are not linear."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import time
from dataclasses import dataclass
from pathlib import Path
from re import _compiler, _parser  # type: ignore[attr-defined] # no public way in
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

ROOT = Path(__file__).parents[2]
PACKAGES = ("journal", "projector")

_CALLS = ("compile", "search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn")
_SIZES = (16, 20, 25, 100, 400, 2_000, 4_000)
"""Lengths of an attack; the short ones detect an exponential pattern before it hangs."""
_QUICK = 0.01
"""An attack that takes less processor time than this, in seconds, is harmless."""
_RATIO = 8.0
"""Ratio of the times for four times the length: linear is 4, quadratic 16."""
_MANY = 10
"""A bounded repeat of this many or more counts as unbounded."""
_UNIVERSE = "".join(
    map(chr, [*range(0x180), 0x300, 0x1100, 0x2028, 0x3042, 0x4E00, 0xAC00, 0xFF21])
)
"""Characters with which sets of characters are compared."""

_NAMES_RE = re.compile(r"\bre\b")

Pattern = re.Pattern[str] | re.Pattern[bytes]


@dataclass(frozen=True, slots=True)
class Use:
    """A place in the source that makes or uses a regular expression.

    Attributes:
        module: dotted name of the module.
        function: the function that it is in, empty at module level.
        name: the name of a module-level pattern, empty if it has none.
        line: line number.
        text: the expression if it is a literal, else None.
    """

    module: str
    function: str
    name: str
    line: int
    text: str | bytes | None = None


def uses() -> Iterator[Use]:
    """Yield every place in the product that names `re.compile` or one of its siblings."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            source = path.read_text("utf-8")
            # most modules have no pattern, and to parse and walk them all takes seconds
            if not _NAMES_RE.search(source):
                continue
            tree = ast.parse(source)
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield from _uses(tree, module.removesuffix(".__init__"), "")


def _uses(tree: ast.AST, module: str, function: str) -> Iterator[Use]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "re":
            raise AssertionError(f"{module}:{node.lineno}: write re.compile, so that it is found")
        inside = function
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = node.name
        target = ""
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            target = node.targets[0].id
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            target = node.target.id
        value = getattr(node, "value", None) if target else None
        if value is not None and _is_re_call(value):
            yield Use(module, function, target, node.lineno)  # type: ignore[attr-defined]
            continue
        if _is_re_call(node):
            first = node.args[0] if node.args else None  # type: ignore[attr-defined]
            literal = first.value if isinstance(first, ast.Constant) else None
            text = literal if isinstance(literal, str | bytes) else None
            yield Use(module, function, "", node.lineno, text)  # type: ignore[attr-defined]
        yield from _uses(node, module, inside)


def _is_re_call(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in _CALLS
    )


def takes_arguments(use: Use) -> bool:
    """Return whether a pattern depends on the arguments of the function that makes it."""
    if not use.function:
        return False
    made_by = getattr(importlib.import_module(use.module), use.function, None)
    return made_by is None or bool(inspect.signature(made_by).parameters)


def bound(use: Use) -> Pattern:
    """Return the pattern that a module-level name is bound to, or that a function returns."""
    module: ModuleType = importlib.import_module(use.module)
    found = getattr(module, use.function)() if use.function else getattr(module, use.name)
    assert isinstance(found, re.Pattern)
    return found


def slow(pattern: Pattern) -> str | None:
    """Return a text for which a pattern takes more than linear time; None if none was found.

    The texts are made from the pattern: a text that leads to one of its repeats, many times a text
    that the repeat matches, and a character that it does not match. The test compares the processor
    time of two lengths, which other programs hardly change.
    """
    for name, make in attacks(pattern):
        for size in _SIZES:
            if _seconds(pattern, make(size), tries=1) <= _QUICK:
                continue
            text, quarter = make(size), make(size // 4)
            took, before = _seconds(pattern, text), _seconds(pattern, quarter)
            if took > _QUICK and took > before * _RATIO:
                return f"{name} x {size}: {took * 1000:.1f} ms, a quarter {before * 1000:.2f} ms"
    return None


def _seconds(pattern: Pattern, text: str, tries: int = 5) -> float:
    given: Any = text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text
    best = float("inf")
    for _ in range(tries):
        began = time.process_time()
        pattern.fullmatch(given)
        for _match in pattern.finditer(given):
            pass
        best = min(best, time.process_time() - began)
        if best <= _QUICK:
            break
    return best


class _Attack:
    def __init__(self, head: str, pump: str, tail: str) -> None:
        self._parts = head, pump, tail

    def __call__(self, size: int) -> str:
        head, pump, tail = self._parts
        return head + pump * (size // len(pump)) + tail


def attacks(pattern: Pattern) -> Iterator[tuple[str, _Attack]]:
    """Yield the texts to try, each with a name, as functions of their length."""
    tree = _tree(pattern)
    letters = _letters(tree)
    seen: set[tuple[str, str, str]] = set()
    heads = ["", *dict.fromkeys(_heads(tree, ""))]
    pumps = [*letters, *(head for head in heads if head), _sample(tree) or "a"]
    for head in heads:
        for pump in pumps:
            for tail in ("", "\n", "\0", "!", "a"):
                if (head, pump, tail) not in seen:
                    seen.add((head, pump, tail))
                    yield f"{head!r} + {pump!r} + {tail!r}", _Attack(head, pump, tail)


def _tree(pattern: Pattern) -> Any:  # noqa: ANN401 - the library's own
    flags = pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    return _parser.parse(pattern.pattern, flags)


def _children(op: Any, given: Any) -> list[Any]:  # noqa: ANN401
    name = str(op)
    if name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        return [given[2]]
    if name == "SUBPATTERN":
        return [given[3]]
    if name == "BRANCH":
        return list(given[1])
    if name == "ATOMIC_GROUP":
        return [given]
    if name in {"ASSERT", "ASSERT_NOT"}:
        return [given[1]]
    return []


def _sample(tree: Any) -> str:  # noqa: ANN401
    """Return a text that a sequence matches."""
    text = ""
    for op, given in tree:
        name = str(op)
        if name in {"LITERAL", "NOT_LITERAL", "IN", "ANY"}:
            text += next(iter(_matched(tree, op, given)), "")
        elif name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            text += _sample(given[2]) * min(max(given[0], 1), 600)
        elif name not in {"ASSERT", "ASSERT_NOT"}:
            text += next((_sample(child) for child in _children(op, given)), "")
    return text


def _heads(tree: Any, before: str) -> Iterator[str]:  # noqa: ANN401
    """Yield a text that leads to each repeat."""
    done = before
    for op, given in tree:
        if "REPEAT" in str(op):
            yield done
        for child in _children(op, given):
            yield from _heads(child, done)
        done += _sample(tree.__class__(tree.state, [(op, given)]))


def _matched(tree: Any, op: Any, given: Any) -> str:  # noqa: ANN401
    """Return the characters of the universe that one item matches."""
    one = _compiler.compile(
        tree.__class__(tree.state, [(op, given)]), tree.state.flags & ~re.VERBOSE
    )
    if isinstance(getattr(tree.state, "str", ""), bytes):
        return "".join(
            c for c in _UNIVERSE if ord(c) < 0x100 and one.fullmatch(c.encode("latin-1"))
        )
    return "".join(c for c in _UNIVERSE if one.fullmatch(c))


def _chars(tree: Any) -> set[str]:  # noqa: ANN401
    """Return all characters that a match of a sequence can contain."""
    found: set[str] = set()
    for op, given in tree:
        if str(op) in {"LITERAL", "NOT_LITERAL", "IN", "ANY"}:
            found |= set(_matched(tree, op, given))
        elif str(op) not in {"ASSERT", "ASSERT_NOT"}:
            for child in _children(op, given):
                found |= _chars(child)
    return found


def _letters(tree: Any) -> list[str]:  # noqa: ANN401
    """Return one character of every set in a pattern, and some that are in several."""
    sets: list[set[str]] = []

    def walk(tree: Any) -> None:  # noqa: ANN401
        for op, given in tree:
            if str(op) in {"LITERAL", "NOT_LITERAL", "IN", "ANY"}:
                sets.append(set(_matched(tree, op, given)))
            for child in _children(op, given):
                walk(child)

    walk(tree)
    chosen: list[str] = []
    for one in sets[:12]:
        best = sorted(one, key=lambda c: (-sum(c in other for other in sets), c))[:1]
        chosen += [c for c in best if c not in chosen]
    return chosen


def ambiguous(pattern: Pattern) -> str | None:
    """Return which repeats of a pattern can match one text in several ways; None if none can."""
    return _ambiguous(_tree(pattern))


def _ambiguous(tree: Any) -> str | None:  # noqa: ANN401
    items = _flat(tree)
    for at, (op, given) in enumerate(items):
        found = next(filter(None, map(_ambiguous, _children(op, given))), None)
        if found:
            return found
        if not _gives_back(op, given):
            continue
        mine = _chars(given[2])
        # nested: the inner repeat can match a text as one piece or as several
        if (shared := _repeat_of_all(given[2])) is not None:
            return f"a repeat within a repeat of {_shown(shared)}"
        for behind, (op_behind, given_behind) in enumerate(items[at + 1 :], at + 1):
            if _gives_back(op_behind, given_behind):
                shared = mine & _chars(given_behind[2])
                if shared and _passes(tree, items[at + 1 : behind], shared):
                    return f"two repeats beside each other match {_shown(shared)}"
    return None


def _flat(tree: Any) -> list[Any]:  # noqa: ANN401
    """Return the items of a sequence, with those of its groups."""
    found: list[Any] = []
    for op, given in tree:
        found += _flat(given[3]) if str(op) == "SUBPATTERN" else [(op, given)]
    return found


def _gives_back(op: Any, given: Any) -> bool:  # noqa: ANN401
    return str(op) in {"MAX_REPEAT", "MIN_REPEAT"} and given[1] >= _MANY


def _repeat_of_all(tree: Any) -> set[str] | None:  # noqa: ANN401
    """Return the characters of an unbounded repeat whose neighbours can match them, else None."""
    items = _flat(tree)
    for at, (op, given) in enumerate(items):
        if _gives_back(op, given):
            chars = _chars(given[2])
            if _passes(tree, items[:at] + items[at + 1 :], chars):
                return chars
        for child in _children(op, given) if "REPEAT" not in str(op) else []:
            chars_of_child = _repeat_of_all(child)
            if chars_of_child and _passes(tree, items[:at] + items[at + 1 :], chars_of_child):
                return chars_of_child
    return None


def _passes(tree: Any, items: Sequence[Any], chars: set[str]) -> bool:  # noqa: ANN401
    """Return whether each item matches the empty text, or only these characters."""
    for op, given in items:
        one = tree.__class__(tree.state, [(op, given)])
        if one.getwidth()[0] > 0 and not _chars(one) & chars:
            return False
    return True


def _shown(chars: set[str]) -> str:
    return repr("".join(sorted(chars)[:8]))
