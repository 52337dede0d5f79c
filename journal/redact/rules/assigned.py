"""Secrets that are recognised by the name that they are assigned to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.redact.checks.likely import is_likely, is_likely_token
from journal.redact.rule import Rule
from journal.redact.rules.guards import assigned
from journal.redact.rules.names import NO_PAGE, REST_OF_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COLOUR = r"\x1b\[[0-9;]{0,16}+m"
"""A colour of a terminal."""
_BLANK = rf"[ \t]{{0,8}}+(?:{_COLOUR}[ \t]{{0,8}}+){{0,4}}+"
_QUOTES = r"[\\\"'\]\u2018-\u201f]{0,4}+"
_ASSIGNS = (
    rf"{_QUOTES}(?:{_COLOUR}{_QUOTES}){{0,4}}+{_BLANK}"
    r"(?::[ \t]?+(?:&(?:'static[ \t]{1,4}+)?+)?+(?i:str)(?i:ing)?+[ \t]{0,4}+(?==))?+"
    rf"(?:=>?+|[:\uff1a\uff1d]=?+)(?![=:]){_BLANK}"
)
_QUOTED = (
    r"\\{0,3}+[\"'`\u2018-\u201f](?P<secret>[^\s\"'`\\<>{}\x1b\u2018-\u201f]{8,512}+)"
    r"(?=\\{0,3}+[\"'`\u2018-\u201f]|\x1b)"
)
_BARE = (
    r"(?P<secret>[A-Za-z0-9_\-+/=!#%.~@^*]{8,512}+)"
    # what follows it is the end, or is no code: no call, index, type or operator
    r"(?:(?![^\s;&,\\\"'`)\]}?\x1b\x80-\U0010ffff])|(?=\|(?!\|)|</|(?<![-=])>))"
)

_CURLY, _WIDE = "\u2018|\u2019|\u201a|\u201c|\u201d|\u201e", "\uff1a|\uff1d"
"""Curly quotes, and a full-width colon and equals sign: their bytes, for the prefilter."""
_IN_JSON = (
    rf"(?=[a-z0-9_\-]{{0,40}}+(?:\\t|[\\\"'\] \t]|{_CURLY}|{_COLOUR}){{0,40}}+"
    rf"(?::(?:\\t|[ \t])?+(?:&(?:'static(?:\\t|[ \t]){{1,4}}+)?+)?+str(?:ing)?+"
    rf"(?:\\t|[ \t]){{0,4}}+(?==))?+(?:[:=][>=]?+|{_WIDE})"
    rf"(?:\\t|[\\\"'` \t]|{_CURLY}|{_COLOUR}){{0,40}}+"
    r"(?![0-9.]{1,24}+[\s,;)}\]\\\"'&|<])"
    # a digit among its first characters, or it is long
    r"(?=[^\s\"'`0-9\x80-\xff]{0,63}+[0-9\x80-\xff]|[^\s\"'`0-9\x80-\xff]{64})"
    r"[^\s\"'`\\<>{}()$|\[\]]{8})"
)
"""The same in JSON, as far as the prefilter reads: a value with a digit that is no number."""


def _assigned(
    kind: str, name: str, *literals: str, accept: Callable[[str], object] = is_likely
) -> Iterator[Rule]:
    """Return rules for values that are assigned to a name, in quotes and without them."""
    for value in (_QUOTED, _BARE):
        pattern = f"(?ai)(?:{name}){REST_OF_NAME}{_ASSIGNS}{value}"
        yield Rule(
            kind,
            pattern,
            literals,
            before=0,
            follow=_IN_JSON,
            accept=accept,
            guard=assigned,
        )


_BLOCK = (
    r"[\"']?+:[ \t]{1,8}+[|>][0-9+\-]{0,2}+[ \t]{0,4}+(?:\r?\n|\\{1,3}+n)[ \t]{1,40}+"
    r"(?P<secret>[^\s\\]{8,512}+)(?=\s|\\|\Z)"
)
"""A value of YAML in the next line."""
_BLOCK_IN_JSON = (
    r"[a-z0-9_\-]{0,40}+[\\\"']{0,40}+:[ \t]{1,8}+[|>][0-9+\-]{0,2}+[ \t]{0,4}+"
    r"(?:\\{1,40}+[nr]|[\r\n]){1,2}+[ \t]"
)


def _block(kind: str, name: str, *literals: str) -> Rule:
    """Return a rule for values that YAML has in the line after a name."""
    pattern = f"(?ai)(?:{name}){REST_OF_NAME}{_BLOCK}"
    return Rule(
        kind,
        pattern,
        literals,
        before=0,
        follow=_BLOCK_IN_JSON,
        accept=is_likely,
        guard=assigned,
    )


def _short(kind: str, name: str, bare: str) -> Iterator[Rule]:
    """Return rules for a name that is also a part of words: here it is a word of its own.

    As in `DB_PASS` and `dbPass`, and not as in `bypass`.

    Args:
        kind: what it finds.
        name: the name, in lower case.
        bare: what assigns a value without quotes to it.
    """
    whole = rf"(?:(?i:{name}(?<![a-z]{name}))|{name.title()}(?<=[a-z]{name.title()}))"
    for assigns, value in ((_ASSIGNS, _QUOTED), (bare, _BARE)):
        pattern = f"(?a){whole}{REST_OF_NAME}{assigns}{value}"
        yield Rule(
            kind,
            pattern,
            (name,),
            before=0,
            follow=_IN_JSON,
            accept=is_likely,
            guard=assigned,
        )


def _key(*names: str) -> Iterator[Rule]:
    """Return rules for values that are assigned to keys with some names."""
    literals = (f"{name}{between}key" for name in names for between in ("_", "-", ""))
    yield from _assigned("secret", f"(?:{'|'.join(names)})[_-]?+key", *literals)


ASSIGNED = (
    Rule(
        "secret",
        # PHP: the name is an argument
        r"(?a)define\([ \t]{0,4}+[\"'](?:[A-Za-z]{1,20}+_){0,4}+"
        r"(?:PASS(?:WORD)?+|KEY|SECRET|TOKEN|SALT)[\"'][ \t]{0,4}+,[ \t]{0,4}+"
        r"[\"'](?P<secret>[^\s\"'\\]{8,512}+)(?=[\"'])",
        ("define(",),
        before=0,
        follow=r"(?=(?:\\t|[ \t]){0,4}+[\\\"']{1,9}+[a-z_]{2,80}+[\\\"'])",
        accept=is_likely,
    ),
    # the literals are those of the short names, so that the prefilter searches fewer
    *_assigned("password", "pass(?:wor[dt]|wd|phrase)", "pass"),
    *_assigned("password", "pwd", "pw"),
    *_assigned("secret", "secrets?+", "secret"),
    *_assigned("token", f"token{NO_PAGE}", "token", accept=is_likely_token),
    *_assigned("api-key", "api[_-]?+key", "apikey", "api_key", "api-key"),
    *_assigned("api-key", "access[_-]?+key", "access_key", "access-key", "accesskey"),
    *_key("signing", "encryption", "private", "master", "auth", "hmac"),
    # reports of tests have lines such as `PASS: testName1`
    *_short("password", "pass", rf"{_BLANK}=(?![=>]){_BLANK}"),
    *_short("password", "pw", _ASSIGNS),
    # of sshpass and redis-cli
    *_assigned("password", "sshpass", "sshpass"),
    *_assigned("password", "rediscli_auth", "rediscli_auth"),
    _block("password", "pass(?:wor[dt]|wd|phrase)", "pass"),
    _block("token", f"token{NO_PAGE}", "token"),
    _block("secret", "secret", "secret"),
    _block("api-key", "(?:api|access|secret)[_-]?+key", "apikey", "api_key", "api-key"),
)
"""Secrets that are recognised by the name that they are assigned to."""
