"""The user's own rules: `redact.toml` in the journal's folder.

::

    scanners = ["kingfisher"]          # further scanners, which are installed

    [[rule]]
    kind = "corp-token"
    pattern = 'corp_(?P<secret>[a-z0-9]{32})'

The group `secret` is replaced; without it the whole match is. A pattern must contain a
literal of at least 3 characters, and its repeats must be bounded: see
`journal.redact.checks.linear`.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.errors import RedactionError
from journal.fs.toml_file import parse_toml
from journal.redact.checks.linear import SHORTEST, may_be_empty, needed, why_slow
from journal.redact.rule import SECRET, Rule, compiled
from journal.redact.rule_set import RuleSet

if TYPE_CHECKING:
    from pathlib import Path

KINGFISHER = "kingfisher"
"""Name of the scanner that the extra `secrets` installs."""

_KIND = re.compile("[a-z0-9-]{1,64}")
_TABLE = re.compile(rb"\s{0,64}\[\[\s{0,64}rule\s{0,64}\]\]")
"""The line with which a rule begins; TOML's parser does not say where that was."""
_KEYS = frozenset(("kind", "pattern"))


@dataclass(frozen=True, slots=True)
class UserRules:
    """The content of a file of rules.

    Attributes:
        rules: its rules; None if it has none.
        scanners: names of further scanners.
    """

    rules: RuleSet | None
    scanners: tuple[str, ...]


def parse_rules(path: Path, content: bytes) -> UserRules:
    """Read the rules of a file.

    Args:
        path: the file, for messages and for the name of the rules.
        content: its bytes.

    Raises:
        RedactionError: the file is no TOML, or a rule cannot be used; the message names the file,
            the rule and the position.
    """
    try:
        found = parse_toml(content)
    except ValueError as error:
        raise RedactionError(f"{path}: {error}") from error
    for name in found:
        if name not in ("rule", "scanners"):
            raise RedactionError(f"{path}: {name!r} is unknown; a file has [[rule]] and scanners")
    scanners = found.get("scanners", [])
    if not isinstance(scanners, list):
        raise RedactionError(
            f'{path}: scanners must be a list of names, such as ["{KINGFISHER}"], not'
            f" {scanners!r:.60}"
        )
    for name in scanners:
        if name != KINGFISHER:
            raise RedactionError(
                f"{path}: no scanner is called {name!r:.60}; there is {KINGFISHER!r}"
            )
    entries = found.get("rule", [])
    if not isinstance(entries, list):
        raise RedactionError(f"{path}: rules are written as [[rule]], in double brackets")
    lines = [at for at, line in enumerate(content.splitlines(), 1) if _TABLE.match(line)]
    places = lines if len(lines) == len(entries) else [None] * len(entries)
    rules = [
        _rule(f"{path}{'' if line is None else f' line {line}'}: rule {at}", entry)
        for at, (line, entry) in enumerate(zip(places, entries, strict=True), 1)
    ]
    version = f"{path.name}/{hashlib.blake2b(content, digest_size=4).hexdigest()}"
    return UserRules(RuleSet(version, rules) if rules else None, tuple(scanners))


def _rule(place: str, entry: object) -> Rule:
    if not isinstance(entry, dict):
        raise RedactionError(f"{place} must be a table with kind and pattern")
    kind, text = entry.get("kind"), entry.get("pattern")
    if not isinstance(kind, str) or _KIND.fullmatch(kind) is None:
        raise RedactionError(
            f"{place}: kind must be 1 to 64 characters of a-z, 0-9 and -, not {kind!r:.60}"
        )
    place = f"{place} ({kind})"
    if not isinstance(text, str) or not text:
        raise RedactionError(f"{place}: pattern must be a regular expression, not {text!r:.60}")
    for name in entry:
        if name not in _KEYS:
            raise RedactionError(f"{place}: {name!r} is unknown; a rule has kind and pattern")
    slow, literals = _checked(place, text)
    if slow is not None:
        raise RedactionError(f"{place}: a search for the pattern can be slow: {slow}")
    if compiled(text).match("") is not None:
        raise RedactionError(f"{place}: the pattern matches an empty text")
    if may_be_empty(text, SECRET):
        raise RedactionError(
            f"{place}: the group {SECRET!r} can be empty, and then nothing would be replaced;"
            " let it match one character or more, such as {1,5} for {0,5} and + for *"
        )
    if not literals:
        raise RedactionError(
            f"{place}: the pattern has no anchor: every match must contain a fixed text of at least"
            f" {SHORTEST} characters, such as the beginning of the token"
        )
    return Rule(kind, text, literals)


def _checked(place: str, text: str) -> tuple[str | None, tuple[str, ...]]:
    """Return why a pattern is slow, and the texts that it needs.

    Raises:
        RedactionError: Python cannot read it, or warns of it.
    """
    try:
        with warnings.catch_warnings():
            # a later version of Python may read the pattern otherwise
            warnings.simplefilter("error", FutureWarning)
            compiled(text)
            return why_slow(text), needed(text)
    except FutureWarning as warning:
        raise RedactionError(
            f"{place}: the pattern has two meanings: {warning}; put a backslash before the"
            " character that stands for itself"
        ) from warning
    except re.error as error:
        at = "" if error.pos is None else f" at character {error.pos + 1}"
        raise RedactionError(f"{place}: the pattern is wrong{at}: {error.msg}") from error
