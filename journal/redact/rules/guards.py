"""Guards: fast conditions without which a group of rules cannot match.

Most texts fail them, and then the literals of their rules are not searched. A guard gets the
lower-case JSON that the prefilter reads, and is false only where none of its rules matches.
"""

from __future__ import annotations

import re


def _turned(*words: str) -> str:
    """Return a pattern of one of some words, read from the end."""
    return "|".join(re.escape(word[::-1]) for word in words)


_KEYS = _turned(
    *("api", "access", "signing", "encryption", "private", "master", "auth", "hmac", "account"),
    "secret",
)
_NAMES = (
    "(?:"
    + _turned(
        *("pass", "password", "passwort", "passwd", "passphrase", "pwd", "pw", "token", "secret"),
        *("auth", "cookie", "cookies", "sessid", "sessionid", ".sid", "sig"),
    )
    + rf"|yek[_\-]?+(?:{_KEYS}))"
).encode()
"""Names of secrets, and of keys."""
_REST = (
    "(?:"
    + _turned(
        *("access", "api", "auth", "key", "base", "value", "string", "prod", "dev", "live", "test"),
        *("staging", "main", "list", "s"),
    )
    + r"|[0-9])[_\-]?+"
).encode()
"""Words that a name may have behind these."""
_BETWEEN = rb"[\s\"'`\\\]\x80-\xff=:]{0,80}+"
_WORDS = (
    rb"(?:"
    + _NAMES
    + rb"|"
    + _REST
    + rb"(?:(?!"
    + _NAMES
    + rb")"
    + _REST
    + rb"){0,11}+"
    + _NAMES
    + rb")"
)
_NAME = (
    # read from the end: what may be between the name and the sign, the rest of the name, the name.
    # Tabs and colours are rare, and a group that repeats takes time where it matches nothing, too
    _BETWEEN + rb"(?:" + _WORDS + rb"|(?=[tm])"
    rb"(?:(?:t\\|m[0-9;]{0,16}+\[\x1b)" + _BETWEEN + rb"){1,8}+" + _WORDS + rb")"
)
_EQUALS = re.compile(b"=" + _NAME)
_COLON = re.compile(b":" + _NAME)
_WIDE_EQUALS = re.compile(b"\x9d\xbc\xef" + _NAME)
_WIDE_COLON = re.compile(b"\x9a\xbc\xef" + _NAME)
_OPTION = re.compile(rb"-(?<=[\s\"'`,=n]-)(?:[pawub]|-(?:user|proxy-user|cookie))")


def has_assignment(lower: bytes) -> bool:
    """Return whether something is assigned to a name that may be that of a secret."""
    # names are found from the sign after them, of which a text has few
    turned = lower[::-1]
    if _EQUALS.search(turned) is not None or _COLON.search(turned) is not None:
        return True
    return not lower.isascii() and (
        _WIDE_EQUALS.search(turned) is not None or _WIDE_COLON.search(turned) is not None
    )


def has_option(lower: bytes) -> bool:
    """Return whether there is an option that takes a password in a known program."""
    return _OPTION.search(lower) is not None
