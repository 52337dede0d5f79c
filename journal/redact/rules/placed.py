"""Secrets that are recognised by the text before them."""

from __future__ import annotations

import re

from journal.redact.checks.likely import is_basic, is_likely, is_mixed
from journal.redact.checks.runs import runs
from journal.redact.rule import Rule
from journal.redact.rules.guards import assigned

_WORD = r"[A-Za-z0-9_\-]"

_LINE = r"(?:\\[nr]|[\r\n]){1,4}+(?:\\t|[ \t0-9>|:#*+\-\u2192\u2502]){0,24}+"
"""The end of a line of a key, and what a program shows before the next one: a number, a quote."""

PLACED = (
    Rule(
        "private-key",
        "(?a)"
        "PRIVATE KEY(?: BLOCK)?+-----"
        "(?P<secret>(?:[^-]|-(?!----)){32,65536}+(?=-{5,6}END)"
        # a private key that was cut off, as by `head`
        rf"|(?:{_LINE}[A-Za-z0-9+/=]{{40,100}}+){{1,1000}}+"
        rf"(?:{_LINE}[A-Za-z0-9+/=]{{16,39}}+(?![A-Za-z0-9_+/=.-]))?+)",
        ("private key-----", "private key block-----"),
        before=0,
        accept=re.compile("[A-Za-z0-9+/=]{32}").search,
    ),
    Rule(
        "private-key",
        # of PuTTY
        "(?a)PuTTY-User-Key-File-[0-9](?:(?!PuTTY-|Private-Lines:)[^\x00]){1,8192}+"
        "Private-Lines:[ ]{1,4}+[0-9]{1,4}+"
        rf"(?P<secret>(?:{_LINE}[A-Za-z0-9+/=]{{16,100}}+){{1,1000}}+)",
        ("putty-user-key-file",),
        before=0,
    ),
    Rule(
        "jwt",
        "(?a)"
        # the set of what must not be before it is that of the parts, or a search may be slow
        r"eyJ(?:(?<![A-Za-z0-9_\-]eyJ)|(?<=\\[nrt]eyJ))"
        rf"{_WORD}{{8,65536}}+\.eyJ{_WORD}{{8,65536}}+(?:\.{_WORD}{{8,8192}}+)?+",
        ("eyj",),
        before=0,
        follow=r"(?=[a-z0-9_\-]{8})",
        guard=runs,
    ),
    Rule(
        "telegram-token",
        rf"(?a):A(?<=[0-9]{{8}}:A)(?P<secret>{_WORD}{{34}})(?!{_WORD})",
        (":a",),
        before=0,
        follow=r"(?=[a-z0-9_\-]{34})",
        guard=runs,
    ),
    *(
        Rule(
            "discord-token",
            # before the first dot is the id of the bot, which begins so in base64
            rf"(?a)(?<!{_WORD})[MNO]{_WORD}{{{before - 1}}}"
            rf"\.{_WORD}{{6}}\.{_WORD}{{27,38}}+(?!{_WORD})",
            (".",),
            before=before,
            follow=r"(?<=[a-z0-9_\-]{23}\.)[a-z0-9_\-]{6}\.[a-z0-9_\-]{27}",
            accept=is_mixed,
            guard=runs,
        )
        for before in (24, 26)
    ),
    Rule(
        "twilio-token",
        # beside the id of its account
        r"(?a)AC(?<![A-Za-z0-9]AC)[0-9a-f]{32}(?:[\s:,;=\"'\\]|\\n){1,12}+"
        r"(?P<secret>[0-9a-f]{32})(?![0-9a-f])",
        ("ac",),
        before=0,
        follow=r"(?:(?<![a-z0-9]ac)|(?<=\\[nrt]ac))(?=[0-9a-f]{32}(?![0-9a-f]))",
        guard=runs,
    ),
    Rule(
        "azure-client-secret",
        "(?a)"
        r"(?<![A-Za-z0-9_~.\-])[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31,34}+",
        ("q~",),
        before=4,
        follow=r"(?=[a-z0-9_~.\-]{31})",
        guard=runs,
    ),
    Rule(
        "azure-storage-key",
        "(?a)(?i:AccountKey)=(?P<secret>[A-Za-z0-9+/]{80,90}+={0,2}+)",
        ("accountkey=",),
        before=0,
        guard=assigned,
    ),
    Rule(
        "authorization",
        "(?a)"
        r"(?i:authorization)[\\\"'\]]{0,4}+\s{0,3}+[:=,]\s{0,3}+(?:[\\\"'`]{0,4}+f?+[\"'`]?+)"
        r"(?:(?i:bearer|basic|token|bot|api-?+key)[ \t]{1,4}+)?+"
        r"(?P<secret>[A-Za-z0-9._~+/=\-]{8,8192}+)",
        ("authorization",),
        before=0,
        follow=(
            r"[\\\"'\]]{0,40}+(?:\s|\\[nrt]){0,6}+[:=,](?:\s|\\[nrt]){0,6}+"
            r"[\\\"'`]{0,40}+f?+[\\\"'`]{0,40}+"
            r"(?:(?:bearer|basic|token|bot|api-?+key)(?:[ \t]|\\t){1,4}+)?+[a-z0-9._~+/=\-]{8}"
        ),
        accept=is_likely,
    ),
    Rule(
        "authorization",
        "(?a)"
        r"(?i:bearer)[ \t]{1,4}+(?P<secret>[A-Za-z0-9._~+/=\-]{16,8192}+)",
        ("bearer",),
        before=0,
        follow=r"(?=(?:\\t|[ \t]){1,4}+[a-z0-9._~+/=\-]{16})",
        accept=is_likely,
    ),
    Rule(
        "authorization",
        # any header, and `'Basic ' + '...'`
        r"(?ai)basic(?:[ \t]{1,4}+|%20)(?:\\{0,3}+[\"'`][ ]{0,4}+[+.,][ ]{0,4}+\\{0,3}+[\"'`])?+"
        r"(?P<secret>[A-Za-z0-9+/]{8,1024}+={0,2}+)",
        ("basic",),
        before=0,
        follow=r"(?=(?:[ \t]|\\t|%20){1,4}+(?:[a-z0-9+/]{8}|[\\\"'`]))",
        accept=is_basic,
    ),
    Rule(
        "authorization",
        # Docker's `config.json`, and `_auth` of npm
        r"(?ai)auth(?<![a-z]auth)[\\\"']{0,4}+[ \t]{0,4}+[:=][ \t]{0,4}+[\\\"']{0,4}+"
        r"(?P<secret>[A-Za-z0-9+/]{8,1024}+={0,2}+)",
        ("auth",),
        before=0,
        follow=(
            r"(?=[\\\"']{0,40}+(?:\\t|[ \t]){0,4}+[:=](?:\\t|[ \t]){0,4}+[\\\"']{0,40}+"
            r"[a-z0-9+/]{8})"
        ),
        accept=is_basic,
        guard=assigned,
    ),
)
"""Secrets that are recognised by the text before them."""
