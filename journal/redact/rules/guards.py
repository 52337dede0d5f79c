"""Guards: where the literals of a group of rules are searched.

A guard gets the lower-case text that the prefilter reads, and returns the part of it in which its
rules have their literals: for most texts nothing, and then these literals are not searched. It
leaves nothing out in which one of its rules matches.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NAMES = (
    *("pass", "password", "passwort", "passwd", "passphrase", "pwd", "pw", "token", "secret"),
    *("auth", "cookie", "cookies", "sessid", "sessionid", ".sid", "sig"),
)
"""Names of secrets."""
_KEYS = (
    *("api", "access", "signing", "encryption", "private", "master", "auth", "hmac", "account"),
    "secret",
)
"""What a name that ends with `key` begins with."""
_REST = (
    *("access", "api", "auth", "key", "base", "value", "string", "prod", "dev", "live", "test"),
    *("staging", "main", "list", "s"),
)
"""Words that a name may have behind these, beside numbers."""


def _turned(words: Iterable[str]) -> str:
    """Return a pattern of one of some words, read from the end; the longest counts."""
    return _tree([word[::-1] for word in words])


def _tree(words: Iterable[str]) -> str:
    """Return a pattern of one of some words that compares each beginning once."""
    rests: dict[str, list[str]] = {}
    for word in words:
        rests.setdefault(word[:1], []).append(word[1:])
    may_end = rests.pop("", None) is not None
    found = "|".join(re.escape(char) + _tree(rest) for char, rest in rests.items())
    return f"(?:{found})" + "?" * may_end if found else ""


def _endings(words: Iterable[str]) -> Iterator[str]:
    """Yield patterns of the last two characters of some words, read from the end."""
    before: dict[str, str] = {}
    for word in words:
        before[word[-1]] = before.get(word[-1], "") + word[-2]
    for last, others in before.items():
        yield f"{last}[{''.join(map(re.escape, others))}]"


_NAME = rf"(?:{_turned(_NAMES)}|yek[_\-]?+{_turned(_KEYS)})"
_MORE = rf"(?:{_turned(_REST)}|[0-9]{{1,24}}+)[_\-]?+"
_WORDS = rf"(?:{_NAME}|{_MORE}(?:(?!{_NAME}){_MORE}){{0,11}}+{_NAME})"
_BETWEEN = r"[\s\"'`\\\]\x80-\xff=:;]{0,80}+"
_LAST = (
    # most words before a sign are none of these: two characters tell that
    f"(?={'|'.join(_endings([it for it in (*_NAMES, 'key', '&quot', *_REST) if it != 's']))}"
    rf"|s[_\-a-z0-9]|[0-9]{{1,24}}+[_\-a-z]|t\\|m[0-9;\[])"
)
_NAMED = (
    # read from the end: what may be between the name and the sign, the rest of the name, the name.
    # Tabs and colours are rare, and a group that repeats takes time where it matches nothing, too
    rf"{_BETWEEN}{_LAST}(?:"
    rf"|(?=[tm])(?:(?:t\\|m[0-9;]{{0,16}}+\[\x1b){_BETWEEN}){{1,8}}+"
    # a pair: the name is before the word `value`
    rf"|eulav(?:[\s\"'\\,]|[nrt]\\){{1,80}}+"
    # a quote of HTML
    rf"|touq&"
    rf"){_WORDS}"
).encode()
_SIGNS = (b"=", b":", "\uff1d".encode(), "\uff1a".encode())
"""What assigns; the last two are wide."""
_PERCENT_SIGN = re.compile(rb"%(?:25){0,2}+3[ad]")
_SPACES = r"[\s\"'`,=\\]{0,80}+"
_VALUE = r"[^\s\"'`\\,;&|]"
_TELLING = "(?:pass|pwd|token|secret|api|access|auth)"
_OPTION = re.compile(
    (
        # the values of these have a digit, and begin as no path and no expression
        rf"-(?:(?<=[\s\"'`,=n]-)(?:[paw]{_SPACES}(?![./~%&$({{<\[])"
        rf"(?={_VALUE}{{0,255}}?[0-9\x80-\xff]){_VALUE}{{6}}"
        rf"|(?:[ub]|-(?:user|proxy-user|cookie)){_SPACES}[^\s\"'`\\]{{6}})"
        rf"|(?<=set -)[gu]{{0,2}}+x(?:\\{{1,8}}+t|[ \t]){{1,8}}+[a-z0-9_]{{4}}"
        rf"|-(?=[a-z])(?:(?!{_TELLING})[a-z0-9]{{1,20}}+[_\-]){{0,5}}+{_TELLING})"
    ).encode()
)


def assigned(lower: bytes) -> bytes:
    """Return all, if something is assigned to a name that may be that of a secret."""
    # names are found from the sign after them, of which a text has few
    turned = lower[::-1]
    for sign in _SIGNS:
        if sign in lower and _name_before(sign).search(turned) is not None:
            return lower
    # in a URL the sign itself may be encoded
    return lower if b"%" in lower and _PERCENT_SIGN.search(lower) is not None else b""


@cache
def _name_before(sign: bytes) -> re.Pattern[bytes]:
    """Return a pattern of a name and, behind it, what assigns to it, read from the end.

    It is compiled when its sign is found: most texts have none of the wide ones.
    """
    return re.compile(sign[::-1] + _NAMED)


def options(lower: bytes) -> bytes:
    """Return all, if there is an option that takes a secret, in any or in a known program."""
    return lower if _OPTION.search(lower) is not None else b""


def logins(lower: bytes) -> bytes:
    """Return all, if there may be a URL with a user."""
    return lower if b"@" in lower else b""
