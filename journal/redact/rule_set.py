"""Rules as one scanner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.redact.escapes import Unescaped, has_escapes
from journal.redact.prefilter import Prefilter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
        self._guards = frozenset(rule.guard for rule in self.rules)
        self._prefilter = Prefilter(self.rules)

    def may_find(self, raw: bytes) -> bool:
        """Return whether JSON has the literals of a rule."""
        return self._prefilter(raw)

    def find(self, text: str) -> Iterator[Hit]:
        """Find the secrets in a text."""
        if has_escapes(text):
            meant = Unescaped(text)
            for hit in self._find(meant.text):
                yield hit._replace(start=meant.place(hit.start), end=meant.place(hit.end))
        yield from self._find(text)

    def _find(self, text: str) -> Iterator[Hit]:
        # no other character has a lower case of another length
        lower = text.replace("\u0130", "i").lower()
        raw = lower.encode(errors="surrogatepass")
        guards = {guard: guard is None or guard(raw) for guard in self._guards}
        for rule in self.rules:
            if guards[rule.guard]:
                yield from rule.find(text, lower)
