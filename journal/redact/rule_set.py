"""Rules as one scanner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.redact.escapes import Unescaped, has_escapes
from journal.redact.prefilter import Prefilter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from journal.redact.rule import Rule
    from journal.redact.scanner import Hit


class RuleSet:
    """A scanner of rules.

    Attributes:
        version: name and version of the rules.
        rules: the rules; of hits at one place that of the first rule counts.
    """

    def __init__(self, version: str, rules: Sequence[Rule]) -> None:
        self.version = version
        self.rules = tuple(rules)
        self._prefilter = Prefilter(self.rules)

    def may_find(self, raw: bytes) -> bool:
        """Return whether a text, or JSON, has the literals of a rule."""
        return self._prefilter(raw)

    def find(self, text: str) -> Iterator[Hit]:
        """Find the secrets in a text."""
        passed = self._prefilter.passed(text.encode(errors="surrogatepass"))
        rules = [self.rules[at] for at in passed]
        if not rules:
            return
        if has_escapes(text):
            meant = Unescaped(text)
            for hit in find(rules, meant.text):
                yield hit._replace(start=meant.place(hit.start), end=meant.place(hit.end))
        yield from find(rules, text)


def find(rules: Iterable[Rule], text: str) -> Iterator[Hit]:
    """Find the secrets in a text by some rules; escapes of JSON are text."""
    # no other character has a lower case of another length
    lower = text.replace("\u0130", "i").lower()
    for rule in rules:
        yield from rule.find(text, lower)
