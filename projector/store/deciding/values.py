"""Key-values in a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import apsw

VALUES = (
    "SELECT k.key, k.value FROM _keys k JOIN _sessions s ON s.id = k.session"
    " WHERE s.session = ? AND k.value IS NOT NULL"
)
"""Selects the keys of a namespace that have a value, and the values."""


def key_value(db: apsw.Connection, namespace: str, key: str, default: object = None) -> Any:  # noqa: ANN401 - any JSON
    """Return the value of a key; `default` if it has none."""
    query = (
        "SELECT k.value FROM _keys k JOIN _sessions s ON s.id = k.session"
        " WHERE s.session = ? AND k.key = ?"
    )
    found = db.execute(query, (namespace, key)).get
    return default if found is None else orjson.loads(found)


def key_values(db: apsw.Connection, namespace: str) -> dict[str, Any]:
    """Return the keys that have a value, sorted, and their values."""
    found = db.execute(f"{VALUES} ORDER BY k.key", (namespace,))
    return {key: orjson.loads(value) for key, value in found}
