"""Made-up sources, imported with redaction, without it and under other rules, and exported."""

from __future__ import annotations

import itertools
import shutil
from typing import TYPE_CHECKING
from unittest.mock import patch

from journal import Journal
from journal.format.keyed_hash import Key
from journal.importers.run.driver import Importer
from journal.redact.redactor import Redactor
from journal.redact.rule_set import RuleSet
from journal.redact.rules import RULES
from journal.redact.setup import own_rules
from projector import Projection
from projector.adapters.hermes.export.state_db import export
from tests.support.journals import events
from tests.support.redaction.planting import Planter
from tests.torture.redaction.checks import Done, Wrong, check_bytes, check_event, key_of, project
from tests.torture.redaction.sources import write_sources

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

    from journal.format.event import Event
    from tests.support.redaction.drawing import Planted

_VERSIONS = 3
"""Versions of the rules under which sources are imported, one after the other."""


def check_imported(folder: Path, random: Random, planted: Sequence[Planted], done: Done) -> None:
    """Import sources with and without redaction and under other rules, and export them.

    Raises:
        Wrong: a secret was written, another value was changed, or an import has a conflict.
    """
    planter = Planter(random, planted)
    sources = write_sources(folder / "sources", random, planter)
    plain = folder / "plain"
    with Journal.open(plain, fsync="never") as journal:
        _import(journal, sources)
    project(plain)
    originals = {(at.event.session, at.event.id): at.event for at in events(plain)}
    redacted = folder / "redacted"
    for is_again in (False, True):  # again, by the same rules: nothing is new
        with Journal.open(redacted, fsync="never", redact=True) as journal:
            new = _import(journal, sources)
        if is_again and new:
            raise Wrong(f"{new} messages are appended twice")
    _check_all(redacted, originals, planter.secrets, done)
    project(redacted)
    check_bytes(redacted, planter.secrets, done)
    _check_rules(folder, random, sources, originals, planter.secrets, done)
    _check_export(plain, folder / "exported", planter.secrets, done)


def _import(journal: Journal, sources: Sequence[tuple[str, Path]]) -> int:
    """Import sources, whatever the ledger knows of them; return how many messages were appended."""
    messages = 0
    for format, path in sources:
        importer = Importer(journal, format, reread=True)
        report = importer.run(importer.sources([path]))
        if report.conflicts or report.errors or not report.messages + report.already:
            raise Wrong(f"the import of {path.name} gives {report}")
        messages += report.messages
    return messages


def _check_all(
    folder: Path, originals: dict[tuple[str, str], Event], secrets: set[str], done: Done
) -> None:
    key, seen = key_of(folder), set()
    for record in events(folder):
        name = record.event.session, record.event.id
        if name not in originals:
            raise Wrong(f"{name} is not imported without redaction")
        seen.add(name)
        check_event(key, originals[name].data, record.event, secrets, done)
    if missing := originals.keys() - seen:
        raise Wrong(f"with redaction {min(missing)} is not imported")


def _check_rules(
    folder: Path,
    random: Random,
    sources: Sequence[tuple[str, Path]],
    originals: dict[tuple[str, str], Event],
    secrets: set[str],
    done: Done,
) -> None:
    """Import by several versions of the rules, each to a lane of its own.

    What the journal has is appended again, as after a failed sync: the fold must find it equal.
    """
    path = folder / "rules"
    lanes = [
        Journal.open(path, fsync="never", redact=[some_rules(random, n)]) for n in range(_VERSIONS)
    ]
    try:
        with patch("journal.importers.run.event_writer.is_unsure", return_value=True):
            for lane in random.sample(lanes, len(lanes)):
                _import(lane, sources)
    finally:
        for lane in lanes:
            lane.close()
    _check_all(path, originals, secrets, done)
    digest = project(path)
    with Projection.open(path) as one, Projection.open(folder / "plain") as other:
        counts = [each.status().messages for each in (one, other)]
    if counts[0] != counts[1]:
        raise Wrong(f"{counts[0]} messages after three imports, {counts[1]} after one")
    orders = list(itertools.permutations(sorted((path / "lanes").iterdir())))
    for number, order in enumerate(random.sample(orders, 2)):
        other_path = folder / f"arrived{number}"
        if digest != (found := _arrived(path, other_path, order)):
            raise Wrong(f"digest {digest}, and {found} where lanes arrive in another order")


def some_rules(random: Random, version: int) -> RuleSet:
    """Return some of the rules, all or none."""
    share = random.choice([0, 0.3, 0.7, 1])
    kinds = sorted({rule.kind for rule in RULES})
    chosen = {kind for kind in kinds if random.random() < share}
    return RuleSet(f"some/{version}", [rule for rule in RULES if rule.kind in chosen])


def _arrived(path: Path, copy: Path, order: Sequence[Path]) -> str:
    """Return the digest of a copy of a journal whose lanes arrive one after the other."""
    (copy / "lanes").mkdir(parents=True)
    copy.chmod(0o700)
    for name in ("journal.json", "key"):
        if (path / name).exists():
            shutil.copy2(path / name, copy / name)
    digest = ""
    for lane in order:
        shutil.copytree(lane, copy / "lanes" / lane.name)
        digest = project(copy)
    return digest


def _check_export(plain: Path, folder: Path, secrets: set[str], done: Done) -> None:
    """Export a journal that was written without redaction."""
    folder.mkdir()
    file = folder / "state.db"
    file.touch()
    redactor = Redactor([own_rules()], lambda: Key(bytes(range(32))))
    export(plain, file, file, redact=redactor.text)
    check_bytes(folder, secrets, done)
