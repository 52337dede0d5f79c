"""A search of a sink as conditions of ClickHouse's SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.db.tags import PERSON
from projector.sink.literals import literal, one_of
from projector.text.normalize import fold, is_cjk, pairs
from projector.text.query_tree import All, Either
from projector.text.term import Term

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projector.sink.document import Asked, Named, Valued
    from projector.text.query_tree import Node


def conditions_of(asked: Asked) -> Iterator[str]:
    """Yield the conditions of the filters of a search."""
    yield from map(_valued, asked.values)
    yield from _of_sessions(asked)
    yield from _of_messages(asked)
    if asked.since is not None:
        yield f"place >= {asked.since}"
    if asked.until is not None:
        yield f"place < {asked.until}"


def _of_sessions(asked: Asked) -> Iterator[str]:
    if asked.session is not None:
        yield f"session = {literal(asked.session)}"
    if asked.sessions is not None:
        yield one_of("session", asked.sessions)
    if asked.but_sessions:
        yield f"NOT {one_of('session', asked.but_sessions)}"


def _of_messages(asked: Asked) -> Iterator[str]:
    if asked.roles is not None:
        yield one_of("role", asked.roles)
        if PERSON in asked.roles and not asked.include_meta:
            yield f"NOT (meta AND role = {literal(PERSON)})"
    if asked.tool is not None:
        yield f"has(tools, {literal(asked.tool)})"
    if asked.file is not None:
        yield _named(asked.file)
    if asked.errors:
        yield "failed"
    if asked.machines is not None:
        yield one_of("machine", asked.machines)


def _valued(wanted: Valued) -> str:
    inherited = f"{wanted.column} = '' AND {one_of('session', wanted.sessions)}"
    either = f"({one_of(wanted.column, wanted.values)} OR {inherited})"
    return f"NOT {either}" if wanted.is_not else either


def _named(file: Named) -> str:
    if not file.path.startswith("/"):
        ending = literal(f"/{file.path}")
        return f"arrayExists(f -> endsWith(concat('/', f), {ending}), files)"
    inside = (
        f"has(files, {literal(path)}) AND {one_of('session', sessions)}"
        for sessions, path in file.inside
    )
    return f"({' OR '.join((f'has(files, {literal(file.path)})', *inside))})"


def matching(node: Node) -> str:
    """Return the condition that the text of a document has what is searched for."""
    if isinstance(node, Term):
        return _has(node)
    if isinstance(node, Either):
        return f"({' OR '.join(map(matching, node.choices))})"
    assert isinstance(node, All)  # noqa: S101 - of the three kinds of nodes
    wanted = [*map(matching, node.wanted), *(f"NOT {matching(n)}" for n in node.unwanted)]
    return f"({' AND '.join(wanted)})"


def _has(term: Term) -> str:
    *whole, last = tokens_of(term)
    if term.prefix or (len(last) == 1 and is_cjk(last)):
        # the index has no beginnings of words: the texts are read
        begins = " ".join((*whole, last))
        found = f"position(concat(' ', text), {literal(' ' + begins)}) > 0"
        tokens = whole
    elif not whole:
        return f"hasAllTokens(text, [{literal(last)}])"
    else:
        found = f"hasPhrase(text, {literal(' '.join((*whole, last)))})"
        tokens = []
    narrowed = f"hasAllTokens(text, [{', '.join(map(literal, tokens))}]) AND " if tokens else ""
    return f"({narrowed}{found})"


def tokens_of(term: Term) -> list[str]:
    """Return the words of a term, runs of Chinese, Japanese and Korean as pairs of characters."""
    *words, last = (fold(word) for word in term.words)
    tokens: list[str] = []
    for word in words:
        tokens += pairs(word) if is_cjk(word) else [word]
    return [*tokens, *(pairs(last)[:-1] or [last])] if is_cjk(last) else [*tokens, last]
