"""Secrets in URLs: passwords, tokens in their place, webhooks and signatures."""

from __future__ import annotations

import re

from journal.redact.checks.likely import is_likely_in_url, is_long_and_likely
from journal.redact.rule import Rule
from journal.redact.rules.guards import assigned, logins

_WORD = r"[A-Za-z0-9_\-]"
_USER = r"[^\s/:@\"'<>\\?]"
_PART = r"[^\s/@\"'<>\\?]"
_ANY = r"[^\s@\"'<>\\]"
_HOST = r"@(?=[A-Za-z0-9_\[{$%<]|[^\x00-\x7f])"
"""A host, or what a program puts one in for."""
_NO_PORT = r"(?!(?:localhost|[0-9]{1,3}+(?:\.[0-9]{1,3}+){3}+):[0-9]{1,5}+@)"
"""The number after this machine or an address is a port."""

_DATABASES = tuple(
    f"{scheme}://"
    for scheme in (
        *("postgres", "postgresql", "mysql", "mariadb", "mssql", "mongodb", "mongodb+srv"),
        *("redis", "rediss", "amqp", "amqps", "clickhouse", "cockroachdb", "neo4j", "bolt"),
    )
)
"""Beginnings of URLs whose passwords people paste without escapes."""
_IS_DATABASE = "|".join(f"(?<={re.escape(it)})" for it in _DATABASES)
_HAS_PATH = re.compile(r"[0-9]{1,5}(?:/|$)")
"""What looks like a password, but is a port: `//host:5432/app?by=a@b`."""


def _is_password(value: str) -> bool:
    first, _, _ = value.partition("@")
    return all(map(is_likely_in_url, (value, first))) and _HAS_PATH.match(value) is None


URLS = (
    Rule(
        "url-password",
        # with an unescaped `/` or `?`
        rf"(?a)(?i:://(?:{_IS_DATABASE})){_NO_PORT}{_USER}{{1,64}}+:"
        rf"(?P<secret>(?:{_ANY}|@(?={_ANY}{{1,256}}+@)){{4,256}}+){_HOST}",
        ("://",),
        before=0,
        follow=rf"(?:{_IS_DATABASE}){_USER}{{1,64}}+:{_ANY}{{1,256}}+@",
        accept=_is_password,
        guard=logins,
    ),
    Rule(
        "url-password",
        rf"(?a)://{_NO_PORT}{_USER}{{0,64}}+:"
        # all `@` but the last one belong to the password
        rf"(?P<secret>(?:{_PART}|@(?={_PART}{{1,256}}+@)){{4,256}}+){_HOST}",
        ("://",),
        before=0,
        follow=rf"{_USER}{{0,64}}+:{_PART}{{1,256}}+@",
        accept=is_likely_in_url,
        guard=logins,
    ),
    Rule(
        "url-token",
        rf"(?a)://(?P<secret>[A-Za-z0-9_.~%+=\-]{{20,256}}+):?+{_HOST}",
        ("://",),
        before=0,
        follow=r"[a-z0-9_.~%+=\-]{20,256}+:?+@",
        accept=is_long_and_likely,
        guard=logins,
    ),
    Rule(
        "slack-webhook",
        r"(?a)hooks\.slack(?:-gov)?+\.com/"
        r"(?P<secret>[a-z]{4,12}+/(?:[A-Za-z0-9]{6,24}+/){1,3}+[A-Za-z0-9+]{20,64}+)",
        ("hooks.slack",),
        before=0,
    ),
    Rule(
        "discord-webhook",
        f"(?a)/api/webhooks/[0-9]{{17,20}}+/(?P<secret>{_WORD}{{60,80}}+)",
        ("/api/webhooks/",),
        before=0,
    ),
    Rule(
        "azure-signature",
        r"(?a)(?i:sig=)(?P<secret>[A-Za-z0-9+/]{0,43}+(?:%[0-9A-Fa-f]{2}[A-Za-z0-9+/]{0,43}+){1,20}+)"
        r"(?<=%3[dD])",
        ("sig=",),
        before=0,
        follow=r"[a-z0-9%+/]{43}",
        accept=is_long_and_likely,
        guard=assigned,
    ),
)
"""Secrets in URLs and connection strings."""
