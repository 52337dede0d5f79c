"""A forgotten message with a secret arrives again under other ids, in clear or redacted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from journal import Journal
from journal.cli import cli
from journal.format.event_types import MESSAGE_APPENDED
from journal.format.new_event import new_event
from journal.fs.key_file import own_key
from journal.importers.run.driver import Importer
from journal.process.ids import uuid7
from journal.redact.rule_set import RuleSet
from journal.redact.rules import RULES
from journal.redact.setup import way_out
from projector.forgetting.forget import forget, plan
from projector.forgetting.selection import Selection
from tests.importers.source_lines import claude, write
from tests.support.journals import events

if TYPE_CHECKING:
    from pathlib import Path


TOKEN = "gh" + "p_" + "aB3" * 12
TEXTS = (f"first {TOKEN}", "nothing to hide", f"DB_PASSWORD=Tr0ub4dor-3 and {TOKEN}")
S1 = Selection(sessions=("s1",))
T = 1_700_000_000_000_000
NOON = 1_767_268_800_000_000
"""The time of the first message of a source."""
SOME = [RuleSet("some/1", [rule for rule in RULES if rule.kind == "github-token"])]
"""Other rules: they let passwords through."""


def _import(path: Path, session: str, *, redact: bool | list[RuleSet]) -> tuple[int, int]:
    """Import the messages as those of a session; return how many are written and forgotten."""
    lines, parent = [], None
    for number, text in enumerate(TEXTS):
        uuid = uuid7()
        lines.append(claude(uuid, parent, text, number, sessionId=session))
        parent = uuid
    source = write(path.parent / "projects" / "-w" / f"{session}.jsonl", lines)
    with Journal.open(path, fsync="never", redact=redact) as journal:
        importer = Importer(journal, "claude-code")
        report = importer.run(importer.sources([source]))
    return report.messages, report.forgotten


@pytest.mark.parametrize("again", [False, True, SOME], ids=["clear", "redacted", "other rules"])
@pytest.mark.parametrize("first", [False, True, SOME], ids=["clear", "redacted", "other rules"])
@pytest.mark.slow
def test_it_is_not_imported_in_any_form(
    journal_dir: Path, *, first: bool | list[RuleSet], again: bool | list[RuleSet]
) -> None:
    """Also if ids and parents are others, and by other rules; the plan names what repeats it."""
    assert _import(journal_dir, "s1", redact=first) == (3, 0)
    assert _import(journal_dir, "s2", redact=again) == (3, 0)
    found = plan(journal_dir, S1)
    assert {(it.session, it.words) for it in found.replays} > {("s2", "nothing to hide")}
    assert len(found.replays) == 3
    forget(journal_dir, found)
    assert _import(journal_dir, "s3", redact=again) == (0, 3)


def test_a_record_of_an_older_program_has_no_hash_of_its_content(journal_dir: Path) -> None:
    """The message is known by what the rules of today leave of it, also if it comes in clear."""
    with Journal.open(journal_dir, fsync="never") as journal:
        redactor = way_out(journal_dir)
        for number, text in enumerate(TEXTS):
            clear = {"role": "user", "content": text, "timestamp": NOON + number * 1_000_000}
            data, redacted = redactor.redact(MESSAGE_APPENDED, clear)
            event = new_event("s1", MESSAGE_APPENDED, data, id=f"m{number}")
            old = None if redacted is None else replace(redacted, content="")
            journal.append(**event, redacted=old)
        own_key(journal_dir)
    forget(journal_dir, S1)
    assert _import(journal_dir, "s2", redact=False) == (0, 3)
    assert _import(journal_dir, "s3", redact=True) == (0, 3)


def test_append_refuses_it_in_any_form(journal_dir: Path) -> None:
    """As lines with other ids: in clear, and with the marks of an export."""
    with Journal.open(journal_dir, fsync="never", redact=True) as journal:
        journal.append_message("s1", "user", TEXTS[2], id="m1", timestamp=T)
    (record,) = events(journal_dir)
    forget(journal_dir, S1)
    for content in (TEXTS[2], record.event.data["content"]):
        line = {"session": "s2", "id": "x", "role": "user", "content": content, "timestamp": T}
        arguments = ["--journal", str(journal_dir), "append", "--jsonl", "--no-redact"]
        result = CliRunner().invoke(cli, arguments, input=json.dumps(line))
        assert result.exit_code == 1
        assert "message 'x' of session 's2' is forgotten" in result.stderr


def test_a_fork_of_a_revised_message_is_forgotten(journal_dir: Path) -> None:
    """It repeats the words of the revision, whose record has their hash."""
    with Journal.open(journal_dir, fsync="never", redact=SOME) as journal:
        journal.append_message("s1", "user", "first", id="m1", timestamp=T)
        for text in (TEXTS[0], TEXTS[2]):
            data = {"message": "m1", "content": text}
            journal.append(session="s1", type="message.revised", data=data)
    for number, text in enumerate(("first", TEXTS[0], TEXTS[2])):
        with Journal.open(journal_dir, fsync="never", redact=number == 2) as journal:
            journal.append_message(f"fork{number}", "user", text, id="m9", timestamp=T)
    found = plan(journal_dir, S1)
    assert {it.session for it in found.replays} == {"fork0", "fork1", "fork2"}
