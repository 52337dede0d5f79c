"""Secrets in the arguments of commands: after options with a telling name, and of known programs.

A command is read in a shell's form, `mysql -u root -pSECRET`, and as an array of arguments,
`["mysql", "-u", "root", "-pSECRET"]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.redact.checks.likely import (
    is_likely,
    is_likely_argument,
    is_likely_in_url,
    is_long_and_likely,
)
from journal.redact.rule import Rule
from journal.redact.rules.guards import assigned, options
from journal.redact.rules.names import NO_PAGE

if TYPE_CHECKING:
    from collections.abc import Callable

_BETWEEN = r"(?:[ \t\"'`,=]|\\{1,3}+[\"']|\\\r?\n){1,8}+"
"""What is between two arguments."""
_QUOTES = r"(?:\\{0,3}+[\"'`])?+"
_VALUE = r"[^\s\"'`\\<>{}()$|\[\];,&]"
_END = r"(?![^\s\"'`\\,;)\]}|&<])"
_ARGUMENT = r"[^\s\"'`,=\\|;&<>()]{1,80}+"

_NAME = (
    r"(?:password|passwd|passphrase|pass|pwd|token|secret"
    r"|(?:api|access|auth|secret(?:[_-]access)?+)[_-]?+key)"
)


_SECRET = rf"(?P<secret>{_VALUE}{{6,256}}+)"
_SPACED = rf"(?:[ \t=]{{1,4}}+|\\{{0,3}}+[\"'],?+[ ]{{0,2}}+)?+{_QUOTES}"
_USER = r"[^\s\"'`\\:|;&<>()]{1,128}+:"
_IS_LOGIN = (
    r"(?:(?<=docker login)|(?<=podman login)|(?<=registry login)|(?<=nerdctl login)"
    r"|(?<=skopeo login)|(?<=buildah login)|(?<=oras login)|(?<=az login)|(?<=acr login)"
    r"|(?<=oc login)|(?<=helm login))"
)
_CURL_USER = "-u|-U|--user|--proxy-user"


def _after(
    kind: str,
    program: str,
    option: str,
    *literals: str,
    value: str,
    before: str = _SPACED,
    accept: Callable[[str], object] = is_likely_argument,
    named: str = "",
) -> Rule:
    """Return a rule for the value of an option of a program.

    Args:
        kind: what it finds.
        program: a pattern of the program's name.
        option: a pattern of the option.
        literals: the name's literals.
        value: a pattern with the group `secret`.
        before: a pattern of what is between the option and that.
        accept: as in `Rule`.
        named: a condition behind the literal on what is before it, without escapes.
    """
    return Rule(
        kind,
        f"(?a)(?i:{program})(?:{_BETWEEN}(?!{option}){_ARGUMENT}){{0,16}}+"
        f"{_BETWEEN}(?:{option}){before}{value}{_END}",
        literals,
        before=0,
        # raw JSON has more backslashes
        follow=named + r"[^|;&]{0,1000}?[\s\"'`,=n]-(?:[pawub]|-(?:user|proxy-user|cookie))",
        accept=accept,
        guard=options,
    )


ARGUMENTS = (
    Rule(
        "argument",
        # no `=`: that is an assignment
        rf"(?ai)--(?:(?!{_NAME})[a-z0-9]{{1,20}}+[_-]){{0,5}}+{_NAME}{NO_PAGE}"
        r"(?:[ \t]{1,8}+(?:\\{0,3}+[\"'])?+|\\{0,3}+[\"'],?+[ \t]{0,4}+\\{0,3}+[\"'])"
        rf"(?!-|id=|env:|file:)(?P<secret>{_VALUE}{{8,512}}+){_END}",
        ("--",),
        before=0,
        follow=(
            rf"(?=[a-z])(?:(?!{_NAME})[a-z0-9]{{1,20}}+[_-]){{0,5}}+"
            rf"{_NAME}(?:[ \t]|\\t|\\{{0,40}}+[\"'])"
        ),
        accept=is_likely,
        guard=options,
    ),
    Rule(
        "argument",
        rf"(?ai)authtoken[ \t]{{1,4}}+{_QUOTES}(?P<secret>[A-Za-z0-9_-]{{20,512}}+){_END}",
        ("authtoken",),
        before=0,
        follow=r"(?:\\t|[ \t]){1,4}+[\\\"'`]{0,40}+[a-z0-9_\-]{20}",
        accept=is_long_and_likely,
    ),
    _after(
        "argument",
        r"(?:mysql|mariadb)[a-z0-9_-]{0,16}+",
        "-p",
        "mysql",
        "mariadb",
        value=_SECRET,
        before=_QUOTES,
    ),
    _after("argument", "sshpass", "-p", "sshpass", value=_SECRET),
    _after("argument", f"login{_IS_LOGIN}", "-p", "login", value=_SECRET, named=_IS_LOGIN),
    _after("argument", "redis-cli", "-a", "redis-cli", value=_SECRET),
    _after(
        "argument",
        r"mongo(?:sh|dump|restore|import|export|stat|top)?+",
        "-p",
        "mongo",
        value=_SECRET,
    ),
    _after("argument", r"ldap[a-z]{3,8}+", "-w", "ldap", value=_SECRET),
    _after("argument", "sqlcmd", "-P", "sqlcmd", value=_SECRET),
    _after(
        "argument",
        "curl",
        _CURL_USER,
        "curl",
        value=rf"{_USER}(?P<secret>{_VALUE}{{4,256}}+)",
        accept=is_likely_in_url,
    ),
    _after(
        "argument",
        "curl",
        _CURL_USER,
        "curl",
        value=rf"(?P<secret>{_VALUE.replace('^', '^:')}{{20,256}}+):?+",
        accept=is_long_and_likely,
    ),
    _after(
        "session-cookie",
        "curl",
        "-b|--cookie",
        "curl",
        value=rf"[A-Za-z0-9_.\-]{{1,64}}+=(?P<secret>{_VALUE}{{16,2048}}+)",
        accept=is_long_and_likely,
    ),
    Rule(
        "argument",
        # of openssl
        rf"(?a)pass:(?:(?<=-pass pass:)|(?<=-passin pass:)|(?<=-passout pass:)){_SECRET}{_END}",
        ("pass:",),
        before=0,
        follow=r"(?:(?<=-pass pass:)|(?<=-passin pass:)|(?<=-passout pass:))",
        accept=is_likely_argument,
        guard=assigned,
    ),
    Rule(
        "netrc",
        r"(?ai)login(?:\s|\\[nrt]){1,40}+[^\s\"'\\]{1,128}+(?:\s|\\[nrt]){1,40}+"
        r"password(?:\s|\\[nrt]){1,40}+"
        r"(?P<secret>[^\s\"'`\\<>{}]{6,256}+)",
        ("login",),
        before=0,
        follow=(
            r"(?:\s|\\{1,40}+[nrt]){1,40}+[^\s\\]{1,128}+(?:\s|\\{1,40}+[nrt]){1,40}+password"
            r"(?:\s|\\{1,40}+[nrt])"
        ),
        accept=is_likely_argument,
    ),
)
"""Secrets in the arguments of commands, and in `.netrc`, which has their form."""
