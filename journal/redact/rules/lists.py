"""Secrets in lists: arrays under a telling name, and cookies."""

from __future__ import annotations

from journal.redact.checks.likely import is_likely, is_long_and_likely
from journal.redact.rule import Rule
from journal.redact.rules.guards import assigned
from journal.redact.rules.names import NO_PAGE

_GAP = r"(?:[\s,]|\\{1,3}+[nrt]){0,40}+"
_QUOTE = r"\\{0,3}+[\"'`]"
_ITEM = r"[^\s\"'`\\<>{}\[\]]{1,256}+"
_ARRAY = (
    r"(?:s|s?+_?+list)[\\\"']{0,4}+[ \t]{0,8}+(?:=>?+|:=?+)(?![=:])[ \t]{0,8}+\["
    rf"(?P<secret>(?:{_GAP}{_QUOTE}{_ITEM}{_QUOTE}){{1,400}}+)"
)
_LINES = (
    r"s[\"']?+:[ \t]{0,8}+"
    r"(?P<secret>(?:(?:\r?\n|\\{1,3}+n)[ \t]{0,40}+-[ \t]{1,8}+[\"']?+[^\s\"'`\\<>{}\[\]:]{1,256}+"
    r"[\"']?+(?=\r?\n|\\{1,3}+n|\Z)){1,400}+)"
)
"""A list of YAML."""
_IN_ARRAY = (
    r"[a-z0-9_\-]{1,40}+(?<=[st])[\\\"']{0,40}+(?:\\t|[ \t]){0,8}+[:=][>=]?+(?:\\t|[ \t]){0,8}+"
    r"(?:\[|(?:\\{1,40}+[nr]|[\r\n]){1,2}+(?:\\{1,40}+t|[ \t]){0,40}+-)"
)
_EACH = r"[\"'`\-][ \t]{0,8}+[\"']?+(?P<secret>[^\s\"'`\\,]{8,256}+)"


def _array(kind: str, name: str, *literals: str, is_long: bool = False) -> tuple[Rule, ...]:
    """Return rules for the strings of an array, and of a list in YAML, with a name."""
    accept = is_long_and_likely if is_long else is_likely
    return tuple(
        Rule(
            kind,
            f"(?ai){name}{items}",
            literals,
            before=0,
            follow=_IN_ARRAY,
            accept=accept,
            item=_EACH,
            guard=assigned,
        )
        for items in (_ARRAY, _LINES)
    )


_SESSION = (
    r"(?i:(?:[a-z0-9_.\-]{0,20}?)"
    r"(?:sess(?:ion)?(?:[_\-]?(?:id|token))?|\.sid|ssid|auth|token|jwt|remember[a-z_]{0,8}))"
)

LISTS = (
    *_array("password", "pass(?:word|wd|phrase)", "pass"),
    *_array("token", f"token{NO_PAGE}", "token", is_long=True),
    *_array("secret", "secret", "secret", is_long=True),
    *_array("api-key", "api[_-]?+key", "apikey", "api_key", "api-key", is_long=True),
    Rule(
        "session-cookie",
        # the header, or a dict of cookies
        r"(?ai)cookies?+[\\\"']{0,4}+[ \t]{0,4}+[:=][ \t]{0,4}+"
        r"(?P<secret>[^\r\n]{16,4096}+)",
        ("cookie",),
        before=0,
        follow=r"s?+[\\\"']{0,40}+(?:\\t|[ \t]){0,4}+[:=]",
        accept=is_long_and_likely,
        guard=assigned,
        item=(
            r"(?a)(?<![A-Za-z0-9_.\-])" + _SESSION + r"\\{0,3}+[\"']?+[ ]{0,2}+[=:][ ]{0,2}+"
            r"\\{0,3}+[\"']?+(?P<secret>[A-Za-z0-9_.%+/=~\-]{16,4096}+)"
        ),
    ),
    Rule(
        "session-cookie",
        r"(?ai)(?:PHPSESSID|JSESSIONID|connect\.sid|ASP\.NET_SessionId)"
        r"\\{0,3}+[\"']?+[ ]{0,2}+[=:][ ]{0,2}+\\{0,3}+[\"']?+"
        r"(?P<secret>[A-Za-z0-9_.%+/=~\-]{16,4096}+)",
        ("phpsessid", "jsessionid", "connect.sid", "asp.net_sessionid"),
        before=0,
        accept=is_long_and_likely,
        guard=assigned,
    ),
)
"""Secrets of which several stand in one list."""
