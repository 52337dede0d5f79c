"""The numbers of event types in the column `kind`."""

from __future__ import annotations

from journal.format.event_types import EVENT_TYPES, MESSAGE_APPENDED

KINDS = {name: number for number, name in enumerate(EVENT_TYPES, 1)}
"""The number of each known event type. A type that is not known here gets a higher one."""

MESSAGE = KINDS[MESSAGE_APPENDED]
"""The number of messages. SQL spells it (`kind = {MESSAGE}`): a bound value serves no partial
index."""

TYPES = {number: name for name, number in KINDS.items()}
