"""The rules of this program: patterns of secrets that have a known shape or a known name.

No rule searches for randomness only: in prose and code that would find hashes, ids and names. All
quantifiers are possessive (`{n,m}+`) or fixed, so that a match never backtracks.

Raise `VERSION` with every change: events name the version by which they were redacted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.redact.rules.arguments import ARGUMENTS
from journal.redact.rules.assigned import ASSIGNED
from journal.redact.rules.lists import LISTS
from journal.redact.rules.pairs import PAIRS
from journal.redact.rules.placed import PLACED
from journal.redact.rules.tokens import TOKENS
from journal.redact.rules.urls import URLS

if TYPE_CHECKING:
    from journal.redact.rule import Rule

VERSION = 5

RULES: tuple[Rule, ...] = (*TOKENS, *URLS, *PLACED, *LISTS, *ASSIGNED, *PAIRS, *ARGUMENTS)
"""All of them. The specific ones are first: of hits at one place the first counts."""
