"""The dates of the messages in a new transcript."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector import SessionStore

if TYPE_CHECKING:
    from pathlib import Path

T = 1_700_000_000_000_000
"""Microseconds: 2023-11-14T22:13:20Z."""


def test_a_message_without_a_date_is_just_before_the_next_dated_one(
    journal_dir: Path,
) -> None:
    """Messages after the last dated one have the time of the call."""
    given = [None, None, T, None, T + 9, None]
    with SessionStore.open(journal_dir) as store:
        store.replace_messages("s", [{"role": "user", "timestamp": time} for time in given])
        times = [message.time for message in store.messages("s")]
    assert times[:5] == [T - 2, T - 1, T, T + 8, T + 9]
    assert times[5] > T + 10
