"""A first look at one text, without the rules: to load them takes longer than an append.

A command that a hook runs at every call of a tool looks here first. Most texts have nothing that a
rule needs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from journal.redact.checks.runs import has_run

if TYPE_CHECKING:
    from pathlib import Path

RULES_FILE = "redact.toml"
"""Name of the file of further rules in the journal's folder."""

LITERALS = (
    "%253a%252f%252f",
    "%3a%2f%2f",
    "/api/webhooks/",
    "://",
    "access-key",
    "access_key",
    "accesskey",
    "accountkey=",
    "api-key",
    "api_key",
    "apikey",
    "asp.net_sessionid",
    "auth",
    "basic",
    "bearer",
    "connect.sid",
    "cookie",
    "curl",
    "define",
    "encryption-key",
    "encryption_key",
    "encryptionkey",
    "hmac-key",
    "hmac_key",
    "hmackey",
    "hooks.slack",
    "jsessionid",
    "ldap",
    "login",
    "mariadb",
    "master-key",
    "master_key",
    "masterkey",
    "mongo",
    "mysql",
    "pass",
    "phpsessid",
    "private key block-----",
    "private key-----",
    "private-key",
    "private_key",
    "privatekey",
    "putty-user-key-file",
    "pw",
    "redis-cli",
    "secret",
    "set -",
    "sig=",
    "signing-key",
    "signing_key",
    "signingkey",
    "sqlcmd",
    "token",
)
"""Texts of which each secret that a rule of this program finds has one, in any case.

But those of tokens: they have many characters in a row.
"""


def may_redact(journal: Path, text: str) -> bool:
    """Return whether there may be a secret in a text, by this program's rules or the user's.

    Args:
        journal: the journal's folder, which may not exist yet.
        text: the text.
    """
    lower = text.lower()
    has_escapes = "\\u00" in lower or "\\/" in lower
    return (
        has_escapes
        or any(literal in lower for literal in LITERALS)
        or has_run(lower.encode(errors="replace"))
        or os.path.lexists(journal / RULES_FILE)
    )
