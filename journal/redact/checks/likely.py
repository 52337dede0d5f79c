"""Decides whether a value is a secret, or a placeholder, a name, or an expression of a program."""

from __future__ import annotations

import base64
import binascii
import re

SHORTEST = 8
"""Characters of the shortest password that is redacted because of its name."""
LONG = 16
"""Characters of the shortest token in a list or a cookie."""
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

_RESOURCE = re.compile(r"arn:|[a-z]{2,24}+(?:/[A-Za-z0-9_.@=\-]{1,64}+){2,12}+\Z")
"""The name of a resource of a cloud, or its path, as `projects/p1/secrets/s2/versions/3`."""

_BASE64 = re.compile(r"[A-Za-z0-9+/]{40}|[A-Za-z0-9+/]{20,200}={1,2}")
"""A key in base64, which may begin with a slash as a path does."""


def is_likely(value: str) -> bool:
    """Return whether a value that was assigned to the name of a secret is a secret."""
    return (
        len(value) >= SHORTEST
        and is_mixed(value)
        and (
            (_EXPRESSION.search(value) is None and _RESOURCE.match(value) is None)
            or _is_base64(value)
        )
        and _PLACEHOLDER.search(value) is None
    )


def is_likely_token(value: str) -> bool:
    """Return whether a value that was assigned to `token` is one, and no type such as `Token2`."""
    return is_likely(value) and not (value.startswith("Token") and len(value) < LONG)


def is_likely_in_url(value: str) -> bool:
    """Return whether the password of a URL is a real one, and no placeholder."""
    return (
        value.lower() not in _UNLIKELY_IN_URL
        and _EXPRESSION.search(value) is None
        and _PLACEHOLDER.search(value) is None
    )


def is_likely_argument(value: str) -> bool:
    """Return whether the value of an option that takes a password is one, and no placeholder."""
    return (
        any(map(str.isdigit, value))
        and not value.replace(".", "").isdigit()
        and _EXPRESSION.search(value) is None
        and _PLACEHOLDER.search(value) is None
    )


def is_long_and_likely(value: str) -> bool:
    """Return whether a value is a token: it is long, and has letters and digits."""
    return len(value) >= LONG and is_likely(value)


def is_basic(value: str) -> bool:
    """Return whether a value is a name and a password, as HTTP encodes them in base64."""
    try:
        text = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    name, colon, password = text.partition(":")
    return bool(name and colon) and text.isprintable() and is_likely_in_url(password)


def is_no_example(value: str) -> bool:
    """Return whether a token is no example of a documentation."""
    return _PLACEHOLDER.search(value) is None


def _is_base64(value: str) -> bool:
    kinds = (str.isdigit, str.islower, str.isupper)
    return _BASE64.fullmatch(value) is not None and all(any(map(it, value)) for it in kinds)


def is_mixed(value: str) -> bool:
    """Return whether a value has letters and digits, mixed as in no usual name."""
    digits = sum(map(str.isdigit, value))
    letters = sum(map(str.isalpha, value))
    if not digits or not letters:
        return False
    mixed_case = value.lower() != value != value.upper()
    return digits >= _MANY or mixed_case
