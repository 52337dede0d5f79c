"""An import replaces secrets before it writes, also after a change of the rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from journal.cli import cli
from journal.importers.run.driver import Importer
from journal.importers.run.report import REASON
from journal.redact import setup
from journal.redact.redactor import Redactor
from journal.redact.rule_set import RuleSet
from journal.redact.rules import RULES
from journal.writer import Journal
from projector import Projection
from tests.importers.feed import line
from tests.support.journals import events

if TYPE_CHECKING:
    from pathlib import Path

    from journal.importers.run.report import Report

TOKEN = "gh" + "p_" + "aB3" * 12
PASSWORD = "Tr0ub4dor-3"  # noqa: S105 - made up
TEXTS = (f"use {TOKEN} here", "nothing to hide", f"DB_PASSWORD={PASSWORD}\n")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A transcript with two secrets."""
    path = tmp_path / "sessions" / "s1.jsonl"
    path.parent.mkdir()
    rows = [
        line(
            type="user",
            uuid=f"u{number}",
            sessionId="s1",
            timestamp=f"2026-11-01T10:00:0{number}Z",
            message={"role": "user", "content": text},
        )
        for number, text in enumerate(TEXTS)
    ]
    path.write_bytes(b"\n".join(rows) + b"\n")
    return path


def run(journal: Path, source: Path, *, redact: bool = True) -> Report:
    """Import a whole file, also lines that were imported before."""
    with Journal.open(journal, redact=redact) as handle:
        importer = Importer(handle, "claude-code", reread=True)
        return importer.run(importer.sources([source]))


def use_rules(monkeypatch: pytest.MonkeyPatch, version: int, *kinds: str) -> None:
    """Replace the built-in rules by those of some kinds, with another version number."""
    rules = [rule for rule in RULES if rule.kind in kinds]
    found = RuleSet(f"agent-journal/{version}", rules)
    monkeypatch.setattr(setup, "own_rules", lambda: found)


def all_bytes(folder: Path) -> bytes:
    """Return the bytes of all files below a folder."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def contents(journal: Path) -> list[object]:
    """Return the contents of the messages as the projection returns them."""
    with Projection.open(journal) as projection:
        return [message.content for message in projection.messages("s1")]


def test_secrets_of_an_import_never_reach_the_disk(journal_dir: Path, source: Path) -> None:
    """No file in the journal's folder contains them; the report counts them by kind."""
    report = run(journal_dir, source)

    contents(journal_dir)
    assert report.redacted == {"github-token": 1, "password": 1}
    assert report.as_json()["redacted"] == {"github-token": 1, "password": 1}
    assert ("  github-token", "1") in list(report.rows())
    found = all_bytes(journal_dir)
    assert TOKEN.encode() not in found
    assert PASSWORD.encode() not in found
    assert b"nothing to hide" in found


def test_an_import_redacts_a_new_event_once(
    journal_dir: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To search a text for secrets takes most of the time of an event that has one."""
    redact, seen = Redactor.redact, []

    def noting(it: Redactor, type: str, data: dict[str, Any]) -> Any:  # noqa: ANN401 - as `redact`
        seen.append(data.get("content"))
        return redact(it, type, data)

    monkeypatch.setattr(Redactor, "redact", noting)
    assert run(journal_dir, source).redacted == {"github-token": 1, "password": 1}
    assert [text for text in seen if text is not None] == list(TEXTS)
    assert run(journal_dir, source).conflicts == 0


def test_an_import_without_redaction_stores_secrets(journal_dir: Path, source: Path) -> None:
    """With `--no-redact` secrets are written, and no key is created."""
    arguments = ["--journal", journal_dir, "import", "auto", source, "--no-redact", "--json"]
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])

    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["redacted"] == {}
    assert contents(journal_dir) == list(TEXTS)
    assert not (journal_dir / "key").exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["github-token"], ["github-token", "password"]),
        (["github-token", "password"], ["github-token"]),
        (["password"], ["github-token"]),
        ([], ["github-token", "password"]),
        (["github-token", "password"], []),
    ],
)
def test_an_import_under_other_rules_is_no_conflict(
    journal_dir: Path, source: Path, monkeypatch: pytest.MonkeyPatch, old: list[str], new: list[str]
) -> None:
    """Whatever each version of the rules finds, each message is stored once, as it was first."""
    use_rules(monkeypatch, 1, *old)
    run(journal_dir, source)
    before = contents(journal_dir)
    use_rules(monkeypatch, 2, *new)

    report = run(journal_dir, source)

    assert (report.messages, report.conflicts, report.skipped) == (0, 0, {})
    assert contents(journal_dir) == before
    assert len(before) == len(TEXTS)
    with Projection.open(journal_dir) as projection:
        assert projection.status().conflicts == 0
    versions = {it.event.redacted.rules for it in events(journal_dir) if it.event.redacted}
    assert versions == ({"agent-journal/1"} if old else set())


def test_rules_that_find_more_forms_are_no_conflict(
    journal_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a kind that was known, newer rules find more names: the message stays as it was."""
    texts = (f"DB_PASS={PASSWORD}", f"SIGNING_KEY={PASSWORD}, DB_PASSWORD={PASSWORD}")
    rows = [
        line(
            type="user",
            uuid=f"u{number}",
            sessionId="s1",
            timestamp=f"2026-11-01T10:00:0{number}Z",
            message={"role": "user", "content": text},
        )
        for number, text in enumerate(texts)
    ]
    source = tmp_path / "s1.jsonl"
    source.write_bytes(b"\n".join(rows) + b"\n")
    new = ("signing", "(?<![a-z]pass)")
    old = [rule for rule in RULES if not any(it in rule.pattern for it in new)]
    assert len(old) == len(RULES) - 4
    with monkeypatch.context() as patch:
        patch.setattr(setup, "own_rules", lambda: RuleSet("agent-journal/1", old))
        run(journal_dir, source)
    before = contents(journal_dir)
    assert before[0] == texts[0]
    report = run(journal_dir, source)
    assert (report.conflicts, report.skipped) == (0, {})
    assert contents(journal_dir) == before
    fresh = journal_dir.with_name("fresh")
    run(fresh, source)
    assert PASSWORD.encode() not in all_bytes(fresh)


@pytest.mark.parametrize("first", [True, False])
def test_escapes_in_the_arguments_of_a_tool_are_no_conflict(
    journal_dir: Path, tmp_path: Path, *, first: bool
) -> None:
    """JSON of a program that escapes all but ASCII is the same text, but for its secrets."""
    arguments = json.dumps({"query": f"\u6771\u4eac {TOKEN} caf\u00e9/"}).replace("/", "\\/")
    call = {"id": "c1", "type": "function", "function": {"name": "grep", "arguments": arguments}}
    path = tmp_path / "talk.jsonl"
    said = {"role": "assistant", "content": None, "timestamp": 1_770_000_000}
    path.write_bytes(line(**said, tool_calls=[call]) + b"\n")
    for redact in (first, not first):
        with Journal.open(journal_dir, redact=redact) as handle:
            importer = Importer(handle, "openai", reread=True)
            assert importer.run(importer.sources([path])).conflicts == 0

    assert len(events(journal_dir)) == 2
    with Projection.open(journal_dir) as projection:
        assert len(projection.sessions()) == 1
        assert (projection.status().messages, projection.status().conflicts) == (1, 0)


@pytest.mark.parametrize("first", [True, False])
def test_an_import_with_and_one_without_redaction_are_no_conflict(
    journal_dir: Path, source: Path, *, first: bool
) -> None:
    """The first imported content is in force."""
    run(journal_dir, source, redact=first)
    before = contents(journal_dir)

    report = run(journal_dir, source, redact=not first)

    assert report.conflicts == 0
    assert contents(journal_dir) == before


def test_another_message_under_the_key_of_a_redacted_one_is_a_conflict(
    journal_dir: Path, source: Path
) -> None:
    """Only the secrets of an event may differ: another text is counted as a conflict."""
    run(journal_dir, source)
    changed = source.read_text(encoding="utf-8").replace("use gh", "do not use gh")
    source.write_text(changed, encoding="utf-8")

    report = run(journal_dir, source)

    assert report.conflicts == 1
    assert report.conflicting == ["s1/u0"]


def test_two_secrets_at_one_place_are_a_conflict(journal_dir: Path, source: Path) -> None:
    """The originals are compared: another secret is another content."""
    run(journal_dir, source)
    changed = source.read_text(encoding="utf-8").replace(TOKEN, TOKEN.replace("aB3", "cD4"))
    source.write_text(changed, encoding="utf-8")

    report = run(journal_dir, source)

    assert report.conflicts == 1


@pytest.mark.parametrize("redact", [True, False], ids=["redact", "no-redact"])
def test_a_report_shows_no_secret_of_a_source(
    journal_dir: Path,
    tmp_path: Path,
    redact: bool,  # noqa: FBT001 - pytest gives it so
) -> None:
    """Kinds that are not known are counted by name, and any text can be one."""
    said = {"type": "user", "uuid": "u1", "sessionId": TOKEN, "timestamp": "2026-11-01T10:00:00Z"}
    first = line(**said, message={"role": "user", "content": "one"})
    other = line(**said, message={"role": "user", "content": "two"})
    kinds = [line(type=f"{'x' * at}{TOKEN}", sessionId="s1") for at in (0, 30, 3000)]
    kinds.append(line(type="evil\x1b[31m\nkind", sessionId="s1"))
    path = tmp_path / "s1.jsonl"
    path.write_bytes(b"\n".join([first, *kinds]) + b"\n")
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(other + b"\n")
    arguments = ["--journal", str(journal_dir), "import", "claude-code", str(path), str(copy)]
    arguments += [] if redact else ["--no-redact"]
    shown = CliRunner().invoke(cli, arguments).stderr
    report = CliRunner().invoke(cli, [*arguments, "--reread", "--json"]).stdout
    for text in (shown, report):
        assert "[redacted:github-token:" in text
        assert not any(TOKEN[:size] in text for size in (len(TOKEN), 12))
        assert "\x1b" not in text
        assert "evil" in text
    found = json.loads(report)
    assert found["skipped"].keys() == found["skipped_at"].keys()
    assert all(len(name) <= REASON for name in found["skipped"])
