"""Secrets beside their name, without a sign of assignment between them that a program wrote.

They are in pairs (`"name": "DB_PASSWORD", "value": "..."`), in declarations
(`#define API_TOKEN ...`), and in texts that are encoded for a URL or for HTML.
"""

from __future__ import annotations

from urllib.parse import unquote

from journal.redact.checks.likely import is_likely, is_likely_in_url
from journal.redact.rule import Rule
from journal.redact.rules.guards import assigned, options
from journal.redact.rules.names import NAMES, REST_OF_NAME

_QUOTE = r"\\{0,3}+[\"']"
_PAIR = (
    # the name ends with a quote or with its line
    rf"(?:{_QUOTE}|(?=[ \t]{{0,8}}+(?:\r?\n|\\{{1,3}}+[nr])))(?:[\s,]|\\{{1,3}}+[nrt]){{0,40}}+"
    rf"(?:{_QUOTE})?+value(?:{_QUOTE})?+[ \t]{{0,4}}+[:=][ \t]{{0,4}}+(?:{_QUOTE})?+"
    r"(?P<secret>[^\s\"'`\\<>{},]{8,512}+)(?=[\s\"'`\\,<})]|\Z)"
)
_PAIR_IN_JSON = r"[a-z0-9_\-]{0,40}+(?:[\s\"'\\,]|[nrt](?<=\\[nrt])){1,80}+value"

_PERCENT = "%(?:25){0,2}+"
"""Before the digits of a character; what is encoded twice has `%25` for `%`."""
_IN_QUERY = (
    rf"(?:{_PERCENT}2[27])?+{_PERCENT}3[ad](?:{_PERCENT}2[027]){{0,2}}+"
    # up to what ends a value: a blank, a quote, `&`, `;` and the like
    rf"(?P<secret>(?:[a-z0-9_\-+/!~.*]|{_PERCENT}(?!2[0267c]|3[be]|0|5d|7d)[0-9a-f]{{2}}){{8,512}}+)"
)
_IN_QUERY_RAW = rf"[a-z0-9_\-]{{0,40}}+(?:{_PERCENT}2[27])?+{_PERCENT}3[ad]"
_ENTITY = "&(?:quot|apos|#3[49]|#x2[27]);"
_IN_HTML = (
    rf"(?:&quot;)?+[ \t]{{0,4}}+[:=][ \t]{{0,4}}+{_ENTITY}"
    rf"(?P<secret>[^\s\"'<>&;`\\{{}}]{{8,512}}+)(?={_ENTITY})"
)
_GAP_RAW = r"(?:\\{1,8}+t|[ \t]){0,4}+"
_IN_HTML_RAW = rf"[a-z0-9_\-]{{0,40}}+(?:{_ENTITY})?+{_GAP_RAW}[:=]{_GAP_RAW}{_ENTITY}"
_URL_PART = rf"(?:[a-z0-9_\-+!~.*]|{_PERCENT}(?!2[0-2f7]|3[acef]|40|0)[0-9a-f]{{2}})"

_BLANKS = r"(?:\\{1,3}+t|[ \t]){1,8}+"


def _declared(*kinds: str) -> str:
    """Return a pattern of a name of some kinds and, behind blanks, a value."""
    name = "|".join(name for kind, name, _ in NAMES if kind in kinds)
    return (
        rf"{_BLANKS}(?i:(?:(?!{name})[a-z0-9_]){{0,40}}+(?:{name})"
        r"(?:_?+(?:key|base|prod|dev|test|[0-9]{1,2}+)){0,3}+)"
        rf"{_BLANKS}(?:{_QUOTE})?+(?P<secret>[^\s\"'`\\<>{{}}]{{8,512}}+)(?=[\s\"'\\]|\Z)"
    )


# two patterns, because a check counts the ways in which one can match
_DECLARED = (
    ("password", _declared("password")),
    ("secret", _declared("token", "secret", "api-key")),
)
_DECLARED_IN_JSON = (
    r"(?:\\{1,8}+t|[ \t]){1,8}+[a-z0-9_]{0,48}?(?:pass|pwd|token|secret|key)[a-z0-9_\-]{0,40}+"
    r"(?:\\{1,8}+t|[ \t]){1,8}+"
)


def _is_likely_encoded(value: str) -> bool:
    return is_likely(_decoded(value))


def _is_likely_in_encoded_url(value: str) -> bool:
    return is_likely_in_url(_decoded(value))


def _decoded(value: str) -> str:
    """Return a value of a URL; one that was encoded twice is decoded twice."""
    once = unquote(value)
    return unquote(once) if "%25" in value else once


PAIRS = (
    *(
        Rule(
            kind,
            f"(?ai)(?:{name}){REST_OF_NAME}{_PAIR}",
            literals,
            before=0,
            follow=_PAIR_IN_JSON,
            accept=is_likely,
            guard=assigned,
        )
        for kind, name, literals in NAMES
    ),
    *(
        Rule(
            kind,
            f"(?ai)(?:{name}){REST_OF_NAME}{value}",
            literals,
            before=0,
            follow=follow,
            accept=accept,
            guard=assigned,
        )
        for value, follow, accept in (
            (_IN_QUERY, _IN_QUERY_RAW, _is_likely_encoded),
            (_IN_HTML, _IN_HTML_RAW, is_likely),
        )
        for kind, name, literals in NAMES
    ),
    Rule(
        "url-password",
        rf"(?ai){_PERCENT}3a(?:{_PERCENT}2f){{2}}+{_URL_PART}{{0,64}}+{_PERCENT}3a"
        rf"(?P<secret>{_URL_PART}{{4,256}}+){_PERCENT}40(?=[a-z0-9_{{$%<])",
        ("%3a%2f%2f", "%253a%252f%252f"),
        before=0,
        accept=_is_likely_in_encoded_url,
        guard=assigned,
    ),
    *(
        Rule(
            kind,
            f"(?a)#define{declared}",
            ("define",),
            before=1,
            follow=f"(?<=#define){_DECLARED_IN_JSON}",
            accept=is_likely,
        )
        for kind, declared in _DECLARED
    ),
    *(
        Rule(
            kind,
            # of the shell fish
            f"(?a)set -[gU]{{0,2}}+x{declared}",
            ("set -",),
            before=0,
            follow=f"[gu]{{0,2}}+x{_DECLARED_IN_JSON}",
            accept=is_likely,
            guard=options,
        )
        for kind, declared in _DECLARED
    ),
)
"""Secrets in pairs, in declarations and in encoded texts."""
