"""A store that redacts: messages that are flushed again match those that are stored with marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from journal.format.redacted import MARK
from projector import SessionStore
from tests.support.journals import events

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "gh" + "p_" + "aB3" * 12
OTHER = "gh" + "p_" + "cD4" * 12
CALL = {"id": "c1", "type": "function", "function": {"name": "sh", "arguments": f'"{TOKEN}"'}}
TALK: list[dict[str, Any]] = [
    {"role": "user", "content": f"the key is {TOKEN}"},
    {"role": "assistant", "content": "thanks", "tool_calls": [CALL]},
    {"role": "tool", "content": [{"type": "text", "text": TOKEN}], "tool_call_id": "c1"},
    {"role": "user", "content": "nothing to hide"},
]


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("reopen", [True, False])
def test_a_list_with_secrets_is_flushed_once(
    journal_dir: Path, *, named: bool, reopen: bool
) -> None:
    """Flushing the list again, from this handle or another, changes nothing."""
    talk = [{**it, "id": f"m{n}"} for n, it in enumerate(TALK)] if named else TALK
    with SessionStore.open(journal_dir, redact=True) as store:
        first = store.flush("s", talk)
        if not reopen:
            again = store.flush("s", talk)
            assert again.kept == first.ids
    with SessionStore.open(journal_dir, redact=True) as store:
        again = store.flush("s", [*talk, {"role": "assistant", "content": "bye"}])

        assert again.kept == first.ids
        assert (len(again.added), again.revised) == (1, ())
        assert TOKEN not in str(store.messages("s"))
    found = [it.event for it in events(journal_dir)]
    assert len(found) == 5
    assert [event.redacted is not None for event in found] == [True, True, True, False, False]


def test_a_changed_message_is_revised_and_redacted(journal_dir: Path) -> None:
    """An edit beside a secret is written without the secret, with the hash of its original."""
    with SessionStore.open(journal_dir, redact=True) as store:
        store.flush("s", [{**TALK[0], "id": "m0"}])
        report = store.flush("s", [{**TALK[0], "id": "m0", "content": f"no: {OTHER}"}])

        assert report.revised == ("m0",)
        content = store.messages("s")[0].content
    assert isinstance(content, str)
    assert MARK.sub("@", content) == "no: @"
    assert all(it.event.redacted for it in events(journal_dir))
    assert OTHER not in str(events(journal_dir))
