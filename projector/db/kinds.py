"""The numbers of event types in the column `kind`."""

from __future__ import annotations

from journal.format.event_types import (
    EVENT_TYPES,
    FORGET,
    KEY_DELETED,
    KEY_SET,
    MESSAGE_APPENDED,
)

KINDS = {name: number for number, name in enumerate(EVENT_TYPES, 1)}
"""The number of each known event type. A type that is not known here gets a higher one."""

MESSAGE = KINDS[MESSAGE_APPENDED]
"""The number of messages. SQL spells it (`kind = {MESSAGE}`): a bound value serves no partial
index."""

NAMESPACE = (
    "(s.session LIKE '@%' AND (s.session = '" + FORGET + "'"
    f" OR NOT EXISTS (SELECT 1 FROM _events m WHERE m.session = s.id AND m.kind = {MESSAGE})"
    f" OR EXISTS (SELECT 1 FROM _events k WHERE k.session = s.id AND k.kind <> {MESSAGE}"
    f" AND k.kind IN ({KINDS[KEY_SET]}, {KINDS[KEY_DELETED]}))))"
)
"""Condition on a row `s` of `_sessions`: it is a namespace of key-values, or has the requests to
forget. A conversation may have such an id, too, as programs that name sessions after users give."""

TYPES = {number: name for name, number in KINDS.items()}
