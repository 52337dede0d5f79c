"""How long conversations are kept: `retention.toml` in the journal's folder, written by the user.

::

    automatic = true            # `projector run` applies the rules once a day; default false
    pinned = ["s1"]             # whole ids of sessions of which nothing is forgotten
    deleted = "30d"             # what has been deleted for so long, in all other sessions
    replaced = "30d"            # values that were replaced so long ago, in all other sessions

    [[rule]]                    # of several rules the first that fits a session decides
    project = "~/customers"     # sessions whose working folder is this one or below it
    older_than = "30d"          # since the last message; "never" keeps the session

    [[rule]]
    source = "cli"              # sessions that are listed with this source
    older_than = "52w"

A session that no rule fits is kept. Without `deleted` and `replaced`, and where they are
"never", what is deleted and what was replaced stay with their session. Without the file nothing is
forgotten.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from journal.fs.ownership import read_own
from journal.fs.toml_file import parse_toml
from projector.errors import RetentionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projector.forgetting.selection import Scope

NAME = "retention.toml"
"""The file's name in the journal's folder."""
_MOST = 1024 * 1024
"""Bytes of the file that are read."""
_AGE = re.compile(r"([0-9]{1,6}) ?([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_NEVER = "never"
_UNNEEDED = ("deleted", "replaced")
"""Names of the ages of what readers do not need."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When sessions of one kind are forgotten.

    Attributes:
        older_than: how long after its last message; None if never.
        source: only sessions from there; None if all.
        project: only sessions whose working folder is this one or below it; None if all.
    """

    older_than: timedelta | None
    source: str | None = None
    project: PurePath | None = None

    def fits(self, source: str | None, cwd: str | None) -> bool:
        """Return whether the rule decides on a session with this source and working folder."""
        if self.source is not None and source != self.source:
            return False
        return self.project is None or (
            cwd is not None and PurePath(cwd).is_relative_to(self.project)
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """How long conversations are kept.

    Attributes:
        rules: the first that fits a session decides.
        pinned: ids of sessions that are kept.
        is_automatic: whether `projector run` applies it.
        deleted: how long after a deletion what it deleted is forgotten; None if never.
        replaced: how long after a value was replaced it is forgotten; None if never.
    """

    rules: tuple[Rule, ...]
    pinned: frozenset[str] = frozenset()
    is_automatic: bool = False
    deleted: timedelta | None = None
    replaced: timedelta | None = None

    @property
    def scope(self) -> Scope:
        """What a request contains as `scope`."""
        return "retention"

    @property
    def is_by_age(self) -> bool:
        """Whether single events are forgotten, and not what repeats them: yes."""
        return True

    def is_over(self, session: str, source: str | None, cwd: str | None, age: timedelta) -> bool:
        """Return whether a session is to be forgotten, given the age of its last message."""
        if session in self.pinned:
            return False
        rule = next((rule for rule in self.rules if rule.fits(source, cwd)), None)
        return rule is not None and rule.older_than is not None and age > rule.older_than


def read_policy(journal: Path) -> Policy | None:
    """Read the policy of a journal; None if it has none.

    Args:
        journal: the journal's folder.

    Raises:
        RetentionError: the file cannot be read, or says what cannot be; the message names the
            place and what is expected there.
    """
    path = journal / NAME
    try:
        content = read_own(path, _MOST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RetentionError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        return parse_policy(content)
    except RetentionError as error:
        raise RetentionError(f"{path}: {error}; nothing was forgotten") from error


def parse_policy(content: bytes) -> Policy:
    """Turn the bytes of a policy into one.

    Raises:
        RetentionError: it is no TOML, or says what cannot be.
    """
    try:
        found = parse_toml(content)
    except ValueError as error:
        raise RetentionError(str(error)) from error
    _check_names("", found, {"automatic", "pinned", *_UNNEEDED, "rule"})
    automatic = found.get("automatic", False)
    if not isinstance(automatic, bool):
        raise RetentionError(f"automatic must be true or false, not {automatic!r:.60}")
    pinned = found.get("pinned", [])
    if not isinstance(pinned, list) or not all(isinstance(name, str) for name in pinned):
        raise RetentionError(f"pinned must be a list of ids of sessions, not {pinned!r:.60}")
    ages = {name: found.get(name, _NEVER) for name in _UNNEEDED}
    for name, age in ages.items():
        if not isinstance(age, str):
            raise RetentionError(f'{name} must be a text such as "30d", not {age!r:.60}')
    rules = found.get("rule", [])
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise RetentionError("rules must be tables, each with the head [[rule]]")
    return Policy(
        tuple(_rule(number, rule) for number, rule in enumerate(rules, 1)),
        frozenset(pinned),
        automatic,
        **{name: _age(name, age) for name, age in ages.items()},
    )


def _rule(number: int, found: Mapping[str, Any]) -> Rule:
    place = f"rule {number}: "
    _check_names(place, found, {"older_than", "source", "project"})
    for name, value in found.items():
        if not isinstance(value, str) or not value:
            example = ' such as "90d"' if name == "older_than" else ""
            raise RetentionError(f"{place}{name} must be a text{example}, not {value!r:.60}")
    if "older_than" not in found:
        raise RetentionError(f'{place}older_than is missing, such as "90d" or "{_NEVER}"')
    project = _folder(place, found["project"]) if "project" in found else None
    age = _age(f"{place}older_than", found["older_than"])
    return Rule(age, found.get("source"), project)


def _folder(place: str, text: str) -> PurePath:
    try:
        folder = Path(text).expanduser()
    except RuntimeError as error:  # there is no such user
        raise RetentionError(
            f"{place}project is in the home of an unknown user: {text!r:.200}"
        ) from error
    if not folder.is_absolute() or ".." in folder.parts:
        raise RetentionError(
            f"{place}project must be an absolute path without .., or begin with ~, not"
            f" {text!r:.200}"
        )
    return folder


def _age(name: str, text: str) -> timedelta | None:
    if text == _NEVER:
        return None
    match = _AGE.fullmatch(text)
    if match is not None and not int(match[1]):
        raise RetentionError(
            f'{name} is {text!r}, and everything would be older: give at least "1h", or "{_NEVER}"'
        )
    if match is None:
        raise RetentionError(
            f'{name} must be a number of hours, days or weeks, such as "36h", "90d"'
            f' or "52w", or "{_NEVER}", not {text!r:.60}'
        )
    return int(match[1]) * _UNITS[match[2]]


def _check_names(place: str, found: Mapping[str, Any], known: set[str]) -> None:
    # a rule with a misspelt condition would fit every session
    for name in found:
        if name not in known:
            raise RetentionError(
                f"{place}{name!r:.60} is not known; there are {', '.join(sorted(known))}"
            )
