"""`journal scan` finds secrets in clear text, and prints none of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner, Result

from journal.cli import cli
from journal.writer import Journal
from tests.support.journals import segments

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import ExpectedProblems

TOKEN = "gh" + "p_" + "aB3" * 12


def scan(journal: Path, *arguments: str) -> Result:
    """Run the command on a journal."""
    return CliRunner().invoke(cli, ["--journal", str(journal), "scan", *arguments])


def test_secrets_in_clear_text_are_named_by_event_and_kind(journal_dir: Path) -> None:
    """Secrets that were appended without redaction are reported, and redacted ones are not."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", f"{TOKEN} and DB_PASSWORD=Tr0ub4dor-3", id="m1")
        journal.append_message("s1", "user", "nothing", id="m2")
        journal.append(session="s2", id="k", type="key.set", data={"key": "k", "value": [TOKEN]})
    with Journal.open(journal_dir, redact=True) as journal:
        journal.append_message("s1", "user", TOKEN, id="m3")

    result = scan(journal_dir, "--json")

    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(it["session"], it["id"], it["kind"], it["count"]) for it in found] == [
        ("s1", "m1", "github-token", 1),
        ("s1", "m1", "password", 1),
        ("s2", "k", "github-token", 1),
    ]
    assert result.exit_code == 1
    text = scan(journal_dir)
    assert text.stdout.splitlines()[0] == "s1  m1  github-token  1"
    assert text.stderr == "secrets found: github-token 2, password 1\n"
    for output in (result.output, text.output):
        assert TOKEN not in output
        assert "Tr0ub" not in output


def test_a_new_rule_finds_stored_secrets(journal_dir: Path) -> None:
    """A rule that the user adds is applied to stored events; the journal gets no key."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", "corp_abcdefgh1234", id="m1")
    assert (scan(journal_dir).exit_code, scan(journal_dir).stdout) == (0, "")
    rule = "[[rule]]\nkind = 'corp'\npattern = 'corp_[a-z0-9]{12}'\n"
    (journal_dir / "redact.toml").write_text(rule, encoding="utf-8")

    result = scan(journal_dir)

    assert (result.exit_code, result.stdout) == (1, "s1  m1  corp  1\n")
    assert not (journal_dir / "key").exists()


def test_damage_is_reported(journal_dir: Path, expect_problems: ExpectedProblems) -> None:
    """The rest of a damaged journal is scanned, and the exit code is that of damage."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", "one", id="m1")
        journal.append_message("s1", "user", TOKEN, id="m2")
    path = segments(journal_dir)[0]
    path.write_bytes(path.read_bytes().replace(b'"one"', b'"two"'))
    expect_problems("damage", "gap")

    result = scan(journal_dir)

    assert result.exit_code == 5
    assert result.stdout == "s1  m2  github-token  1\n"
    assert result.stderr.startswith("damage: lane 1 segment 1 offset ")


def test_a_scan_without_a_journal_is_an_error(tmp_path: Path) -> None:
    """The exit code is that of a missing journal."""
    assert scan(tmp_path / "none").exit_code == 3


def test_redacting_looks_before_it_asks(journal_dir: Path) -> None:
    """Without a terminal and without a secret there is nothing to ask, and no error."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", "nothing", id="m1")
    assert (scan(journal_dir, "--redact").exit_code, scan(journal_dir, "--redact").stderr) == (
        0,
        "no secrets found\n",
    )
    assert json.loads(scan(journal_dir, "--redact", "--json").stdout)["secrets"] == []
    assert scan(journal_dir, "--redact", "--dry-run").exit_code == 0

    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", TOKEN, id="m2")
    result = scan(journal_dir, "--redact")

    assert result.exit_code == 2
    assert result.stdout == "s1  m2  github-token  1\n"
    assert "no terminal to ask on: give --yes" in result.stderr
    result = scan(journal_dir, "--redact", "--dry-run")
    assert (result.exit_code, result.stdout) == (1, "s1  m2  github-token  1\n")
    result = scan(journal_dir, "--redact", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--json does not ask" in result.stderr
