"""`Journal.open(redact=...)`: secrets are replaced before anything is written."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest

from journal.errors import EventError, RedactionError
from journal.format.redacted import MARK, Redacted
from journal.redact.setup import own_rules
from journal.writer import Journal
from tests.support.journals import events

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "gh" + "p_" + "aB3" * 12


def test_a_handle_that_redacts_writes_marks(journal_dir: Path) -> None:
    """All ways to append redact; the record has the version of the rules and the counts."""
    with Journal.open(journal_dir, redact=True) as journal:
        journal.append_message("s", "user", f"one {TOKEN}", id="m1")
        journal.append(session="s", id="m2", type="key.set", data={"key": "k", "value": TOKEN})
        new = {"session": "s", "id": "m3", "type": "tool.used", "data": {"out": [TOKEN]}}
        journal.append_many([new, {**new, "id": "m4", "data": {"out": "nothing"}}])

    found = {it.event.id: it.event for it in events(journal_dir)}
    assert not [event.id for event in found.values() if TOKEN in str(event.data)]
    assert {id for id, event in found.items() if event.redacted} == {"m1", "m2", "m3"}
    assert {event.redacted.rules for event in found.values() if event.redacted} == {
        own_rules().version
    }
    # one secret has one mark
    assert len({MARK.search(str(found[id].data))[0] for id in ("m1", "m2", "m3")}) == 1  # type: ignore[index]


def test_a_handle_redacts_nothing_by_default(journal_dir: Path) -> None:
    """Without `redact`, events are written as they were given, and no key is created."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", TOKEN, id="m1")

    assert [it.event.data["content"] for it in events(journal_dir)] == [TOKEN]
    assert not (journal_dir / "key").exists()


def test_scanners_can_be_given(journal_dir: Path) -> None:
    """A list of scanners replaces the journal's own; an empty list redacts nothing."""
    with Journal.open(journal_dir, redact=[own_rules()]) as journal:
        journal.append_message("s", "user", TOKEN, id="m1")
    with Journal.open(journal_dir, redact=[]) as journal:
        journal.append_message("s", "user", TOKEN, id="m2")

    assert [it.event.data["content"] == TOKEN for it in events(journal_dir)] == [False, True]


@pytest.mark.parametrize("redact", [None, "yes", 1, ["rules"], own_rules, own_rules()])
def test_another_value_is_refused(tmp_path: Path, redact: Any) -> None:  # noqa: ANN401
    """The error names the values that `redact` accepts."""
    with pytest.raises(ValueError, match="redact must be true, false, or a list of scanners"):
        Journal.open(tmp_path / "journal", redact=redact)


def test_a_wrong_file_of_rules_is_refused_when_the_handle_is_opened(journal_dir: Path) -> None:
    """An invalid `redact.toml` is an error: with fewer rules, secrets would be written."""
    Journal.open(journal_dir).close()
    (journal_dir / "redact.toml").write_text("[[rule]]\nkind = 'x'\npattern = '('")

    with pytest.raises(
        RedactionError, match=r"redact\.toml line 1: rule 1 \(x\): the pattern is wrong"
    ):
        Journal.open(journal_dir, redact=True)
    Journal.open(journal_dir).close()


def test_a_refused_event_is_named_as_without_redaction(journal_dir: Path) -> None:
    """The error names index and field of the event, and nothing is written."""
    good = {"session": "s", "type": "x", "data": {"a": TOKEN}}
    with (
        Journal.open(journal_dir, redact=True) as journal,
        pytest.raises(EventError, match=r"event 1: data\.a is nan"),
    ):
        journal.append_many([good, {**good, "data": {"a": float("nan"), "b": TOKEN}}])

    assert events(journal_dir) == []


def test_a_program_is_called_for_what_is_redacted(journal_dir: Path) -> None:
    """`on_redacted` gets the data as they were given, the counts, and what is left."""
    seen: list[tuple[dict[str, Any], Redacted, dict[str, Any]]] = []
    with Journal.open(journal_dir, redact=True) as journal:
        assert journal.redactor is not None
        journal.redactor.on_redacted = lambda *about: seen.append(about)
        journal.append_message("s", "user", "nothing")
        journal.append_message("s", "user", TOKEN)

    assert [(data["content"], dict(it.counts)) for data, it, _ in seen] == [
        (TOKEN, {"github-token": 1})
    ]
    assert seen[0][2] == events(journal_dir)[1].event.data


def test_no_error_shows_a_text_that_can_be_a_secret(journal_dir: Path) -> None:
    """No rule knows a short password alone, and errors go to logs, with their causes."""
    secret = "hunter2-x"  # noqa: S105 - no secret of anybody
    refused: list[dict[str, Any]] = [
        {"role": "user", "content": "x", "timestamp": secret},
        {"role": "user", "content": "x", "token_count": secret},
        {"role": ["user", secret]},
        {"role": "user", "tool_calls": secret},
        {"role": "user", "extra": secret},
        {"role": "user", "line": secret * 200},
        {"role": "user", "content": {secret.encode(): 1}},
        {"role": "user", "content": f"{secret} \ud800"},
    ]
    with Journal.open(journal_dir, redact=True) as journal:
        for data in refused:
            with pytest.raises(EventError) as error:
                journal.append(session="s1", type="message.appended", data=data)
            assert secret not in "".join(traceback.format_exception(error.value, limit=0)), data
        events: list[Any] = [secret, {"session": f"{secret}\n", "type": "x.y", "data": {}}]
        events += [{"session": "s1", "type": "x.y", "data": secret}]
        for event in events:
            with pytest.raises(EventError) as error:
                journal.append_many([event])
            assert secret not in "".join(traceback.format_exception(error.value, limit=0)), event
