"""Names of secrets, which several rules share."""

from __future__ import annotations

NO_PAGE = "".join(
    f"(?<!{word}{between}token)"
    for word in ("page", "next", "continuation", "sync", "resume", "start", "starting")
    for between in ("_", "-", "")
)
"""A condition behind `token`: it does not say where a list goes on, which is no secret."""

REST_OF_NAME = (
    r"(?:[sS](?![A-Za-z]))?+(?i:[_-]?+(?:access|api|auth|key|base|value|string|prod|dev|live|test|staging|main"
    r"|[0-9]{1,2}+)){0,4}+"
)
"""Words that a name may have behind these."""

NAMES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("password", "pass(?:wor[dt]|wd|phrase)", ("pass",)),
    ("password", "pwd", ("pwd",)),
    ("token", f"token{NO_PAGE}", ("token",)),
    ("secret", "secrets?+", ("secret",)),
    (
        "api-key",
        "(?:api|access)[_-]?+key",
        tuple(f"{word}{between}key" for word in ("api", "access") for between in ("_", "-", "")),
    ),
)
"""For each kind a pattern of its name, for any case, and the literals of that."""
