"""The keys of `extra` as fields `extra.<key>`, which is how `session.revised` names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PREFIX = "extra."


def extra_fields(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return each key of an event's `extra` as `extra.<key>`; nothing if it is no object."""
    extra = data.get("extra")
    if not isinstance(extra, Mapping):
        return {}
    return {f"{_PREFIX}{key}": value for key, value in extra.items()}


def split_extra(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields that are no part of `extra`, and `extra` itself."""
    own: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in fields.items():
        if name.startswith(_PREFIX):
            extra[name.removeprefix(_PREFIX)] = value
        else:
            own[name] = value
    return own, extra
