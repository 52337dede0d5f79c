"""Names of sessions and keys that are made of several texts."""

from __future__ import annotations

_ESCAPED = {"%": "%25", "/": "%2F"}


def joined(*parts: str) -> str:
    """Return the texts with `/` between them; a `/` or `%` within one is written as `%2F`, `%25`."""
    return "/".join(
        part.replace("%", _ESCAPED["%"]).replace("/", _ESCAPED["/"]) for part in parts
    )


def split(name: str) -> list[str]:
    """Return the texts that `joined` made a name of."""
    return [part.replace("%2F", "/").replace("%25", "%") for part in name.split("/")]
