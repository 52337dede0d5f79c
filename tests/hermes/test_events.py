"""The adapter and the journal agree on event types and namespaces."""

from __future__ import annotations

from inspect import getmembers, isfunction
from typing import TYPE_CHECKING

import pytest

from journal.format.event_types import EVENT_TYPES, check_data
from journal.importers.hermes.rows import KEY_SPACES
from projector.adapters.hermes import events, namespaces

if TYPE_CHECKING:
    from collections.abc import Callable

ARGUMENTS: dict[str, tuple[object, ...]] = {
    "session_revised": ("s",),
    "session_ended": ("s", 1_700_000_000_000_000, "done"),
    "session_reopened": ("s",),
    "session_deleted": ("s",),
    "message_appended": ("s", "m", {"role": "user"}),
    "message_revised": ("s", "m"),
    "messages_removed": ("s", ["m"], "rewound"),
    "transcript_replaced": ("s", [{"message": "m"}], events.ARCHIVED),
    "key_deleted": ("s", "k"),
}
BUILDERS = {
    name: build
    for name, build in getmembers(events, isfunction)
    if build.__module__ == events.__name__
}


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_the_journal_knows_every_event_of_the_adapter(name: str) -> None:
    """Type and data are valid; an event of an unknown type would be stored without effect."""
    build: Callable[..., events.Event] = BUILDERS[name]
    event = build(*ARGUMENTS[name])
    assert event["type"] in EVENT_TYPES
    check_data(event["type"], event["data"])


def test_an_import_writes_to_the_same_namespaces() -> None:
    """The adapter reads the keys that `journal import hermes` writes."""
    assert KEY_SPACES == {
        "state_meta": namespaces.META,
        "telegram_dm_topic_mode": namespaces.TOPIC_MODES,
        "telegram_dm_topic_bindings": namespaces.TOPIC_BINDINGS,
    }
