"""A source that is read again adds nothing, also where what the journal has of it was changed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from journal import Journal, make_backup, restore_backup
from journal.importers.run.driver import Importer
from projector import Projection, redact_secrets
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from tests.support.journals import events
from tests.torture.redaction.reread import branched

if TYPE_CHECKING:
    from pathlib import Path

    from journal.importers.run.report import Report

TOKEN = "gh" + "p_" + "aB3" * 12
RULE = "[[rule]]\nkind = 'place'\npattern = '{}'\n"
WAYS = ("redact", "no-redact", "without rules", "without imports/", "a copy")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A session that was rewound, with a secret, a fork and a sub-agent."""
    branched(tmp_path / "source")
    file = tmp_path / "source" / "projects" / "-home-ada-lighthouse" / "cc.jsonl"
    file.write_text(file.read_text().replace("right path", f"right path {TOKEN}"))
    return tmp_path / "source"


def run(journal: Path, source: Path, *, redact: bool = True) -> Report:
    """Import all files, whatever the ledger knows of them."""
    with Journal.open(journal, fsync="never", redact=redact) as handle:
        importer = Importer(handle, "claude-code", reread=True)
        return importer.run(importer.sources([source]))


def add_rule(journal: Path, pattern: str) -> None:
    """Add a rule of the user."""
    with (journal / "redact.toml").open("a") as file:
        file.write(RULE.format(pattern))


def check(journal: Path, source: Path, ways: tuple[str, ...] = WAYS) -> None:
    """Read a source again in several ways; nothing is new."""
    before = len(events(journal))
    for way in ways:
        if way == "without rules":
            (journal / "redact.toml").unlink(missing_ok=True)
        elif way == "without imports/":
            shutil.rmtree(journal / "imports")
        elif way == "a copy":
            shutil.copytree(source / "projects", source / "copy" / "projects")
        report = run(journal, source, redact=way != "no-redact")
        new = [record.event for record in events(journal)[before:]]
        assert (way, report.conflicts, report.events + report.messages, new) == (way, 0, 0, [])
    assert conflicts(journal) == 0


def conflicts(journal: Path) -> int:
    """Return how many conflicts the projection has when it has applied all events."""
    with Projection.open(journal) as projection:
        projection.catch_up()
        return projection.status().conflicts


@pytest.mark.parametrize("redact", [True, False], ids=["redact", "no-redact"])
def test_forgotten_parts_of_events_are_no_conflict(
    journal_dir: Path,
    source: Path,
    redact: bool,  # noqa: FBT001 - pytest gives it so
) -> None:
    """A session lost its parent, and a list of messages one of them."""
    run(journal_dir, source, redact=redact)
    forget(journal_dir, Selection(messages=(("cc", "u3"),)))
    reduced = [at.event for at in events(journal_dir) if at.event.type == "message.archived"]
    assert [at.data["messages"] for at in reduced] == [["u4"], ["u4"]]
    check(journal_dir, source, ("redact", "no-redact"))
    forget(journal_dir, Selection(sessions=("cc",)))
    created = [at.event for at in events(journal_dir) if at.event.type == "session.created"]
    assert created
    assert not any("parent" in at.data for at in created)
    check(journal_dir, source)


@pytest.mark.parametrize("redact", [True, False], ids=["redact", "no-redact"])
def test_what_was_redacted_later_is_no_conflict(
    journal_dir: Path,
    source: Path,
    redact: bool,  # noqa: FBT001 - pytest gives it so
) -> None:
    """A folder, a branch, a title and messages were redacted by rules of the user, twice."""
    run(journal_dir, source, redact=redact)
    for word in ("br-[a-z]{6}", "lighthouse"):
        add_rule(journal_dir, word)
        redact_secrets(journal_dir)
        check(journal_dir, source, ("redact", "no-redact"))
    data = str([record.event.data for record in events(journal_dir)])
    assert "lighthouse" not in data
    assert "br-secret" not in data
    check(journal_dir, source)


def test_what_was_redacted_and_forgotten_in_part_is_no_conflict(
    journal_dir: Path, source: Path
) -> None:
    """A fork has a redacted folder and lost its parent; the order of both does not matter."""
    run(journal_dir, source)
    other = journal_dir.with_name("other")
    shutil.copytree(journal_dir, other)
    for path in (journal_dir, other):
        add_rule(path, "lighthouse")
    redact_secrets(journal_dir)
    forget(journal_dir, Selection(sessions=("cc",)))
    check(journal_dir, source, ("redact", "no-redact"))
    forget(other, Selection(sessions=("cc",)))
    redact_secrets(other)
    check(other, source)


@pytest.mark.parametrize("when", ["at the import", "later"])
def test_a_new_key_is_no_conflict(journal_dir: Path, source: Path, when: str) -> None:
    """The digits of the marks differ then: what is left of the texts is compared."""
    if when == "at the import":
        run(journal_dir.with_name("scratch"), source)
        journal_dir.mkdir(mode=0o700)
        add_rule(journal_dir, "lighthouse")
    run(journal_dir, source)
    if when == "later":
        add_rule(journal_dir, "lighthouse")
        redact_secrets(journal_dir)
    (journal_dir / "key").unlink()
    check(journal_dir, source, ("redact", "no-redact", "without imports/", "a copy"))
    (journal_dir / "key").unlink(missing_ok=True)
    check(journal_dir, source, ("redact",))


def test_a_restored_journal_is_no_conflict(journal_dir: Path, source: Path, tmp_path: Path) -> None:
    """Into a new folder, and into the journal that it is of."""
    run(journal_dir, source)
    add_rule(journal_dir, "lighthouse")
    redact_secrets(journal_dir)
    forget(journal_dir, Selection(messages=(("cc", "u3"),)))
    make_backup(journal_dir, tmp_path / "backup")
    restored = tmp_path / "restored"
    restore_backup(tmp_path / "backup", restored)
    restore_backup(tmp_path / "backup", journal_dir)
    for path in (restored, journal_dir):
        check(path, source, ("redact", "no-redact"))


@pytest.mark.parametrize("redact", [True, False], ids=["redact", "no-redact"])
def test_a_conflict_is_reported_and_stored_once(
    journal_dir: Path,
    source: Path,
    redact: bool,  # noqa: FBT001 - pytest gives it so
) -> None:
    """A source that says something else is kept once, however often it is read."""
    run(journal_dir, source, redact=redact)
    add_rule(journal_dir, "lighthouse")
    redact_secrets(journal_dir)
    changed = source.with_name("changed")
    shutil.copytree(source, changed)
    file = changed / "projects" / "-home-ada-lighthouse" / "cc.jsonl"
    file.write_text(file.read_text().replace("start with", "begin at"))
    reports = [run(journal_dir, changed, redact=redact) for _ in range(3)]
    assert [(it.conflicts, it.messages) for it in reports] == [(1, 0), (0, 0), (0, 0)]
    assert conflicts(journal_dir) == 1
    said = [at.event for at in events(journal_dir) if at.event.id == "u1"]
    assert len([at for at in said if at.session == "cc"]) == 2


def test_another_secret_under_another_key_is_the_same_event(
    journal_dir: Path, source: Path
) -> None:
    """With one key it is a conflict; without the key of the first, only the marks are compared."""
    run(journal_dir, source)
    file = source / "projects" / "-home-ada-lighthouse" / "cc.jsonl"
    file.write_text(file.read_text().replace(TOKEN, TOKEN.replace("aB3", "cD4")))
    copy = journal_dir.with_name("copy")
    shutil.copytree(journal_dir, copy)
    (copy / "key").unlink()
    assert run(journal_dir, source).conflicts == 1
    check(copy, source, ("redact",))
