"""Makes the redactor of a journal from the built-in rules and the user's."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from journal.errors import RedactionError
from journal.fs.key_file import any_key, own_key
from journal.fs.ownership import read_own
from journal.redact.quick import RULES_FILE
from journal.redact.redactor import Redactor
from journal.redact.rule_set import RuleSet
from journal.redact.rules import RULES, VERSION
from journal.redact.scanner import Scanner
from journal.redact.user_rules import parse_rules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MOST = 1024 * 1024
"""The largest size of a file of rules, in bytes."""


def redactor_of(
    journal: Path,
    redact: bool | Sequence[Scanner],  # noqa: FBT001 - as `Journal.open` is given it
) -> Redactor | None:
    """Return the redactor of a journal's events, by the argument of `Journal.open`.

    Args:
        journal: the journal's folder.
        redact: true for the rules of this program and what the file `redact.toml` in the journal's
            folder asks for; or what finds secrets. False and an empty sequence redact nothing.

    Raises:
        RedactionError: the file, or what it asks for, cannot be used.
        ValueError: `redact` is something else.
    """
    scanners = scanners_of(journal, redact)
    return Redactor(scanners, partial(own_key, journal)) if scanners else None


def way_out(journal: Path) -> Redactor:
    """Return what redacts what leaves a journal, by the rules of today and its `redact.toml`.

    The journal is not changed: where it has no key, the digits of the marks are of a key that is
    made for this one time.

    Raises:
        RedactionError: the file, or what it asks for, cannot be used.
    """
    return Redactor(journal_scanners(journal), partial(any_key, journal))


def scanners_of(
    journal: Path,
    redact: bool | Sequence[Scanner],  # noqa: FBT001 - as `Journal.open` is given it
) -> tuple[Scanner, ...]:
    """Return the scanners that `redact` names, as `redactor_of` takes it; none for false.

    Raises:
        RedactionError, ValueError: as `redactor_of`.
    """
    given: object = redact
    if isinstance(given, bool):
        return journal_scanners(journal) if given else ()
    if isinstance(given, list | tuple) and all(isinstance(it, Scanner) for it in given):
        return tuple(given)
    raise ValueError(f"redact must be true, false, or a list of scanners, not {given!r:.60}")


def journal_scanners(journal: Path) -> tuple[Scanner, ...]:
    """Return the scanners of a journal: this program's rules, and those of its `redact.toml`.

    Raises:
        RedactionError: the file, or what it asks for, cannot be used.
    """
    return own_rules(), *_user_scanners(journal / RULES_FILE)


def _user_scanners(path: Path) -> tuple[Scanner, ...]:
    """Return the scanners of a file of rules; none if there is no file.

    Raises:
        RedactionError: the file, or what it asks for, cannot be used.
    """
    try:
        content = read_own(path, _MOST)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise RedactionError(f"cannot read {path}: {error.strerror or error}") from error
    found = parse_rules(path, content)
    scanners: list[Scanner] = [] if found.rules is None else [found.rules]
    if found.scanners:
        from journal.redact.kingfisher import Kingfisher  # noqa: PLC0415 - an extra

        try:
            scanners.append(Kingfisher())
        except RedactionError as error:
            raise RedactionError(
                f"{path} has {found.scanners[0]!r} in scanners, and {error}; or remove it there"
            ) from error
    return tuple(scanners)


@cache
def own_rules() -> RuleSet:
    """Return a scanner of the rules of this program."""
    return RuleSet(f"agent-journal/{VERSION}", RULES)
