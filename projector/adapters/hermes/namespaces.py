"""The namespaces of the key-values that Hermes has tables for; an import writes to the same."""

from __future__ import annotations

META = "@hermes.meta"
"""Rows of `state_meta`, by key."""
TOPIC_MODES = "@hermes.telegram_mode"
"""Rows of `telegram_dm_topic_mode`, by chat."""
TOPIC_BINDINGS = "@hermes.telegram_bindings"
"""Rows of `telegram_dm_topic_bindings`, by chat and thread."""
ROUTES = "@hermes.gateway_routing"
"""Rows of `gateway_routing` without a scope, by session key; see `routes`."""


def routes(scope: str) -> str:
    """Return the namespace of the rows of `gateway_routing` that have a scope."""
    return f"{ROUTES}:{scope}" if scope else ROUTES
