"""The policy of retention: how it is read, and which sessions it selects."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from journal.process import clock
from projector import Projection
from projector.errors import RetentionError
from projector.forgetting.forget import plan
from projector.forgetting.retention import parse_policy, read_policy

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400_000_000
OLD = 10**15
_RULES = """
pinned = ["kept"]

[[rule]]
project = "/work/customers"
older_than = "30d"

[[rule]]
source = "cli"
older_than = "never"

[[rule]]
older_than = "52w"
"""


def test_the_first_matching_rule_decides() -> None:
    """Rules for a project come first, then for a source, then for all; pinned sessions stay."""
    policy = parse_policy(_RULES.encode())
    month, years = timedelta(days=31), timedelta(days=800)
    assert policy.is_over("s", "cli", "/work/customers/one", month)
    assert policy.is_over("s", None, "/work/customers", month)
    assert not policy.is_over("s", "web", "/work/customers-too", month)
    assert not policy.is_over("s", "cli", "/work", years)
    assert policy.is_over("s", "web", None, years)
    assert not policy.is_over("s", "web", None, month)
    assert not policy.is_over("kept", "web", None, years)
    assert not policy.is_automatic


def test_without_a_matching_rule_a_session_is_kept() -> None:
    """A policy without rules forgets nothing."""
    assert not parse_policy(b"automatic = true").is_over("s", None, None, timedelta(days=9_999))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("automatic = 1", "automatic must be true or false"),
        ("pinned = 'a'", "pinned must be a list"),
        ("pinned = [1]", "pinned must be a list"),
        (
            "pined = []",
            "'pined' is not known; there are automatic, deleted, pinned, replaced, rule",
        ),
        ("deleted = true", "deleted must be a text"),
        ("replaced = '30'", "replaced must be a number of hours"),
        ("deleted = '30'", "deleted must be a number of hours"),
        ("[rule]\nolder_than = '9d'", r"with the head \[\[rule\]\]"),
        ("[[rule]]\nsource = 'a'", "rule 1: older_than is missing"),
        ("[[rule]]\nolder_than = 90", "rule 1: older_than must be a text"),
        (
            "[[rule]]\nolder_than = '0d'",
            "rule 1: older_than is '0d', and",
        ),
        ("[[rule]]\nolder_than = '9m'", "rule 1: older_than must be a number of hours"),
        ("[[rule]]\nolder_than = '9d'\nproject = 'a'", "rule 1: project must be an absolute path"),
        ("[[rule]]\nolder_than = '9d'\nproject = '~/a/../b'", "rule 1: project must .* without"),
        ("[[rule]]\nolder_than = '9d'\n[[rule]]\nsoruce = 'a'", "rule 2: 'soruce' is not known"),
        ("[[rule]", "it is no TOML"),
        (f"pinned = {'[' * 10_000}", "it is no TOML"),
        (
            "[[rule]]\nolder_than = '9d'\nproject = '~nobody-here/x'",
            "rule 1: project is in the home of an unknown user",
        ),
    ],
)
def test_an_invalid_policy_is_an_error(text: str, why: str) -> None:
    """An unknown condition is an error, because without it the rule would match every session."""
    with pytest.raises(RetentionError, match=why):
        parse_policy(text.encode())


def test_the_file_is_named_in_its_errors(tmp_path: Path) -> None:
    """Errors name the file; a journal without the file has no policy."""
    assert read_policy(tmp_path) is None
    file = tmp_path / "retention.toml"
    file.write_bytes(b"pinned = 3")
    file.chmod(0o600)
    with pytest.raises(RetentionError, match=r"retention.toml: pinned must .*; nothing was"):
        read_policy(tmp_path)
    file.write_bytes(b"\xef\xbb\xbfpinned = ['a']")  # as editors on other systems save it
    policy = read_policy(tmp_path)
    assert policy is not None
    assert policy.pinned == {"a"}
    file.write_bytes(b"\xff")
    with pytest.raises(RetentionError, match="is not UTF-8"):
        read_policy(tmp_path)


def test_a_policy_selects_sessions_by_their_last_message(journal_dir: Path) -> None:
    """The plan names each event of them, so that a session can continue."""
    now = clock.wall()
    with Journal.open(journal_dir, fsync="never") as journal:
        for session, cwd, days in [
            ("a", "/work/customers/x", 40),
            ("b", "/work/customers/x", 20),
            ("c", None, 400),
            ("kept", None, 400),
        ]:
            data = {} if cwd is None else {"cwd": cwd}
            journal.append(session=session, id="c", type="session.created", data=data)
            journal.append_message(session, "user", "a", id="m", timestamp=now - days * DAY)
    found = plan(journal_dir, parse_policy(_RULES.encode()))
    assert {each.session for each in found.sessions} == {"a", "c"}
    assert found.scope == "retention"
    assert set(found.names.events) == {("a", "c"), ("a", "m"), ("c", "c"), ("c", "m")}


def test_a_rule_knows_a_session_by_the_source_that_is_shown(journal_dir: Path) -> None:
    """That of its first message where its own events give none, also when that was removed."""
    with Journal.open(journal_dir, fsync="never") as journal:
        for session in ("shown", "removed"):
            journal.append_message(session, "user", "a", id="m", source="cli", timestamp=OLD)
        journal.append(session="removed", type="message.removed", data={"messages": ["m"]})
        journal.append_message("other", "user", "a", id="m", source="web", timestamp=OLD)
    with Projection.open(journal_dir) as projection:
        assert projection.session("shown").source == "cli"
    text = '[[rule]]\nsource = "cli"\nolder_than = "never"\n[[rule]]\nolder_than = "52w"'
    found = plan(journal_dir, parse_policy(text.encode()))
    assert [(each.session, each.source) for each in found.sessions] == [("other", "web")]


def test_the_beginning_of_an_id_pins_nothing_and_is_an_error(journal_dir: Path) -> None:
    """Other commands take it: a session that a user pins so must not be forgotten."""
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_message("8e1f-7000", "user", "a", id="m", timestamp=OLD)
        journal.append_message("8e", "user", "a", id="m", timestamp=OLD)
    rule = '[[rule]]\nolder_than = "52w"'
    with pytest.raises(RetentionError, match="the beginning of the id of session '8e1f-7000'"):
        plan(journal_dir, parse_policy(f'pinned = ["8e1f"]\n{rule}'.encode()))
    found = plan(journal_dir, parse_policy(f'pinned = ["8e", "unknown"]\n{rule}'.encode()))
    assert [each.session for each in found.sessions] == ["8e1f-7000"]
