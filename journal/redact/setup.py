"""Makes the redactor of a journal: whose rules it uses."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from journal.errors import RedactionError
from journal.fs.key_file import own_key
from journal.fs.ownership import read_own
from journal.redact.redactor import Redactor
from journal.redact.rule_set import RuleSet
from journal.redact.rules import RULES, VERSION
from journal.redact.user_rules import RULES_FILE, parse_rules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from journal.redact.scanner import Scanner

_MOST = 1024 * 1024
"""The largest size of a file of rules, in bytes."""


def redactor_of(journal: Path, scanners: Sequence[Scanner] | None = None) -> Redactor:
    """Return what redacts the events of a journal.

    Args:
        journal: the journal's folder.
        scanners: what finds secrets; without it the rules of this program, and what the file
            `redact.toml` in the journal's folder asks for.

    Raises:
        RedactionError: the file, or what it asks for, cannot be used.
    """
    found = journal_scanners(journal) if scanners is None else scanners
    return Redactor(found, partial(own_key, journal))


def journal_scanners(journal: Path) -> tuple[Scanner, ...]:
    """Return the scanners of a journal: this program's rules, and those of its `redact.toml`.

    Raises:
        RedactionError: the file, or what it asks for, cannot be used.
    """
    return own_rules(), *read_scanners(journal / RULES_FILE, missing_ok=True)


def read_scanners(path: Path, *, missing_ok: bool = False) -> tuple[Scanner, ...]:
    """Return the scanners that a file of rules asks for.

    Args:
        path: the file.
        missing_ok: whether there may be no file.

    Raises:
        RedactionError: the file, or what it asks for, cannot be used.
    """
    try:
        content = read_own(path, _MOST)
    except FileNotFoundError:
        if missing_ok:
            return ()
        raise RedactionError(f"there is no file {path}") from None
    except OSError as error:
        raise RedactionError(f"cannot read {path}: {error.strerror or error}") from error
    found = parse_rules(path, content)
    scanners: list[Scanner] = [] if found.rules is None else [found.rules]
    if found.scanners:
        from journal.redact.kingfisher import Kingfisher  # noqa: PLC0415 - an extra

        scanners.append(Kingfisher())
    return tuple(scanners)


@cache
def own_rules() -> RuleSet:
    """Return a scanner of the rules of this program."""
    return RuleSet(f"agent-journal/{VERSION}", RULES)
