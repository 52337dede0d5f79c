"""A rule: a pattern of secrets, and the literals without which it cannot match."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from journal.redact.scanner import Hit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Guard = Callable[[bytes], bytes]

SECRET = "secret"  # noqa: S105 - it is no secret
"""Name of the group of a pattern that is replaced."""

BOUNDARY = r"(?:(?<![A-Za-z0-9]{0})|(?<=\\[nrt]{0}))"
"""Nothing before the literal {0} belongs to it; `\\n` is a line's end in JSON in a text."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern of secrets.

    Attributes:
        kind: the kind of secret.
        pattern: a regular expression. Its group `secret` is replaced; without this group the whole
            match is.
        literals: lower-case texts without quotes and backslashes; every match has one of them, in
            any case.
        before: how many characters before the literal a match begins; None if that is not known.
        follow: a pattern of lower-case bytes: the prefilter passes only literals that it follows.
        accept: whether a match is a secret and no placeholder, by the text of the secret.
        item: of a list, a pattern of what is in it, with a group `secret`; that of `pattern` is the
            list. Empty if a match is one secret.
        guard: returns the part of a lower-case text in which the literals are searched, for most
            texts nothing; None if that is all of it.
    """

    kind: str
    pattern: str
    literals: tuple[str, ...]
    before: int | None = None
    follow: str = ""
    accept: Callable[[str], object] | None = None
    item: str = ""
    guard: Guard | None = None

    def find(self, text: str, lower: str) -> Iterator[Hit]:
        """Find the secrets in a text.

        Args:
            text: the text.
            lower: the same in lower case, character by character.
        """
        for match in self._matches(text, lower):
            group = SECRET if match.groupdict().get(SECRET) is not None else 0
            found = [match]
            if self.item:
                found = list(compiled(self.item).finditer(text, *match.span(group)))
                group = SECRET
            for each in found:
                if self.accept is None or self.accept(each[group]):
                    yield Hit(*each.span(group), self.kind)

    def _matches(self, text: str, lower: str) -> Iterator[re.Match[str]]:
        if self.before is None:
            if any(literal in lower for literal in self.literals):
                yield from compiled(self.pattern).finditer(text)
            return
        # searching for a literal and matching there is 100 times faster than searching for a
        # pattern
        for literal in self.literals:
            at = lower.find(literal)
            while at >= 0:
                match = None
                if at >= self.before:
                    match = compiled(self.pattern).match(text, at - self.before)
                if match is not None:
                    yield match
                at = lower.find(literal, at + 1 if match is None else max(match.end(), at + 1))


def token(
    kind: str,
    body: str,
    *literals: str,
    accept: Callable[[str], object] | None = None,
    follow: str = r"(?=[a-z0-9_.\-]{16})",
    guard: Guard | None = None,
) -> Rule:
    """Return a rule for tokens that begin with one of some literals.

    Args:
        kind: what it finds.
        body: a pattern of what follows the literal: at least 16 letters, digits, `_`, `-` and `.`.
        literals: the beginnings, in the case in which they are written.
        accept: as in `Rule`.
        follow: as in `Rule`.
        guard: as in `Rule`.
    """
    starts = (re.escape(it) + BOUNDARY.replace("{0}", re.escape(it)) for it in literals)
    return Rule(
        kind,
        f"(?a)(?:{'|'.join(starts)})(?:{body})",
        tuple(literal.lower() for literal in literals),
        before=0,
        follow=follow,
        accept=accept,
        guard=guard,
    )


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the compiled pattern of a rule.

    It is compiled when its literal is found for the first time: most never are.

    Raises:
        re.error: it is no pattern.
    """
    return re.compile(pattern)
