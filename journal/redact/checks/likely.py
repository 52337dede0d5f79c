"""Decides whether a value is a secret, or a placeholder, a name, or an expression of a program."""

from __future__ import annotations

import re

SHORTEST = 8
"""Characters of the shortest password that is redacted because of its name."""
_MANY = 3
"""Number of digits that no usual name has."""

_PLACEHOLDER = re.compile(
    r"x{4}|\*{3}|\.{3}|\u2026|example|placeholder|change[_-]?me|dummy|redacted|your[_-]|my[_-]"
    r"|replace|insert|0{6}|12345|abcdef|abc123|foobar|fake|lorem|undefined",
    re.IGNORECASE,
)
_EXPRESSION = re.compile(r"[(){}<>\[\]$`|]|^[./~%&]|://|::|->|^[A-Za-z_]\w*+(?:\.[A-Za-z_]\w*+)++$")
"""A computed value, one that is read from elsewhere, a path or a URL."""
_UNLIKELY_IN_URL = frozenset(
    (
        "pass",
        "passwd",
        "password",
        "pwd",
        "secret",
        "user",
        "username",
        "token",
        "test",
        "admin",
        "root",
        "guest",
        "postgres",
        "mysql",
        "mongo",
        "redis",
        "key",
        "apikey",
        "pw",
        "db",
    )
)


def is_likely(value: str) -> bool:
    """Return whether a value that was assigned to the name of a secret is a secret."""
    return (
        len(value) >= SHORTEST
        and _is_mixed(value)
        and _EXPRESSION.search(value) is None
        and _PLACEHOLDER.search(value) is None
    )


def is_likely_in_url(value: str) -> bool:
    """Return whether the password of a URL is a real one, and no placeholder."""
    return (
        value.lower() not in _UNLIKELY_IN_URL
        and _EXPRESSION.search(value) is None
        and _PLACEHOLDER.search(value) is None
    )


def is_no_example(value: str) -> bool:
    """Return whether a token is no example of a documentation."""
    return _PLACEHOLDER.search(value) is None


def _is_mixed(value: str) -> bool:
    """Return whether a value has letters and digits, mixed as in no usual name."""
    digits = sum(map(str.isdigit, value))
    letters = sum(map(str.isalpha, value))
    if not digits or not letters:
        return False
    mixed_case = value.lower() != value != value.upper()
    return digits >= _MANY or mixed_case
