"""The rules of this program: patterns of secrets that have a known shape or a known name.

No rule searches for randomness only: in prose and code that would find hashes, ids and names. All
quantifiers are possessive (`{n,m}+`) or fixed, so that a match never backtracks.

Raise `VERSION` with every change: events name the version by which they were redacted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from journal.redact.checks.likely import is_likely, is_likely_in_url, is_no_example
from journal.redact.rule import Rule, token

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 2

_WORD = r"[A-Za-z0-9_\-]"
_END = r"(?![A-Za-z0-9])"

TOKENS = (
    token("aws-access-key", f"[A-Z2-7]{{16}}{_END}", "AKIA", "ASIA", accept=is_no_example),
    token("github-token", "[A-Za-z0-9]{36,255}+", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    token("github-token", "[A-Za-z0-9_]{36,255}+", "github_pat_"),
    token("gitlab-token", rf"{_WORD}{{20,300}}+(?:\.[a-z0-9.]{{9,12}}+)?+", "glpat-", "gldt-"),
    token("gitlab-token", f"{_WORD}{{20,64}}+", "glrt-", "glptt-", "glcbt-"),
    token("slack-token", f"{_WORD}{{20,255}}+", "xoxb-", "xoxp-", "xoxa-", "xoxe-", "xapp-"),
    token("stripe-key", "[A-Za-z0-9]{16,255}+", "sk_live_", "rk_live_", "sk_test_", "rk_test_"),
    token("stripe-key", "[A-Za-z0-9]{24,64}+", "whsec_"),
    token("sendgrid-key", rf"{_WORD}{{16,32}}+\.{_WORD}{{32,64}}+", "SG."),
    token("npm-token", "[A-Za-z0-9]{36,64}+", "npm_"),
    token("pypi-token", f"{_WORD}{{50,1000}}+", "pypi-AgE"),
    token("huggingface-token", "[A-Za-z]{30,64}+", "hf_", "api_org_"),
    token("google-key", f"{_WORD}{{35}}(?!{_WORD})", "AIza"),
    token("google-key", f"{_WORD}{{20,2048}}+", "GOCSPX-", "ya29."),
    token("anthropic-key", f"{_WORD}{{24,255}}+", "sk-ant-"),
    token("openai-key", f"{_WORD}{{32,255}}+", "sk-proj-", "sk-svcacct-", "sk-admin-"),
    token("openrouter-key", "[a-f0-9]{32,128}+", "sk-or-v1-"),
    token("model-provider-key", f"[A-Za-z0-9]{{32,128}}+{_END}", "sk-", "gsk_", "pplx-", "r8_"),
    token("model-provider-key", f"{_WORD}{{40,255}}+", "xai-", "nvapi-"),
    token("digitalocean-token", "[a-f0-9]{64}", "dop_v1_", "doo_v1_", "dor_v1_"),
    token("databricks-token", f"[a-f0-9]{{32}}{_END}", "dapi"),
    token("shopify-token", "[A-Fa-f0-9]{32}", "shpat_", "shpca_", "shppa_", "shpss_"),
    token("postman-key", "[A-Fa-f0-9]{24}-[A-Fa-f0-9]{34}", "PMAK-"),
    token("linear-key", "[A-Za-z0-9]{40}", "lin_api_"),
    token("notion-token", "[A-Za-z0-9]{40,64}+", "ntn_"),
    token("vault-token", f"{_WORD}{{24,300}}+", "hvs.", "hvb."),
    token("grafana-token", "[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}", "glsa_"),
    token("docker-token", f"{_WORD}{{27,64}}+", "dckr_pat_", "dckr_oat_"),
    token("rubygems-key", "[a-f0-9]{48}", "rubygems_"),
    token("cloudflare-token", "[A-Za-z0-9]{48}", "cfut_", "cfat_"),
    token("hosting-token", f"{_WORD}{{31,64}}+", "figd_", "sbp_", "sb_secret_", "vcp_", "vck_"),
    token("atlassian-token", f"{_WORD}{{60,400}}+", "ATATT3"),
    token("sentry-token", "[A-Za-z0-9+/=_]{60,500}+", "sntrys_", "sntryu_"),
    token("age-key", "[A-Z0-9]{58}", "AGE-SECRET-KEY-1"),
)
"""Secrets that are recognised by their own beginning."""

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
        "jwt",
        "(?a)"
        # the set of what must not be before it is that of the parts, or a search may be slow
        r"eyJ(?:(?<![A-Za-z0-9_\-]eyJ)|(?<=\\[nrt]eyJ))"
        rf"{_WORD}{{8,65536}}+\.eyJ{_WORD}{{8,65536}}+(?:\.{_WORD}{{8,8192}}+)?+",
        ("eyj",),
        before=0,
        follow=r"(?=[a-z0-9_\-]{8})",
    ),
    Rule(
        "url-password",
        "(?a)"
        r"://[^\s/:@\"'<>\\?]{0,64}+:(?P<secret>[^\s/@\"'<>\\?]{4,256}+)"
        # a host, or what a program puts one in for
        r"@(?=[A-Za-z0-9_\[{$%<]|[^\x00-\x7f])",
        ("://",),
        before=0,
        follow=r"[^\s/:@\"'<>\\?]{0,64}+:[^\s/@\"'<>\\?]{4,256}+@",
        accept=is_likely_in_url,
    ),
    Rule(
        "slack-webhook",
        "(?a)"
        r"hooks\.slack\.com/(?P<secret>[a-z]{4,12}/[A-Za-z0-9/+]{40,64}+)",
        ("hooks.slack.com/",),
        before=0,
    ),
    Rule(
        "discord-webhook",
        f"(?a)/api/webhooks/[0-9]{{17,20}}+/(?P<secret>{_WORD}{{60,80}}+)",
        ("/api/webhooks/",),
        before=0,
    ),
    Rule(
        "telegram-token",
        f"(?a):A(?<=[0-9]{{8}}:A)(?P<secret>A{_WORD}{{33,34}}+)(?!{_WORD})",
        (":aa",),
        before=0,
        follow=r"(?=[a-z0-9_\-]{32})",
    ),
    Rule(
        "azure-client-secret",
        "(?a)"
        r"(?<![A-Za-z0-9_~.\-])[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31,34}+",
        ("q~",),
        before=4,
        follow=r"(?=[a-z0-9_~.\-]{31})",
    ),
    Rule(
        "azure-storage-key",
        "(?a)(?i:AccountKey)=(?P<secret>[A-Za-z0-9+/]{80,90}+={0,2}+)",
        ("accountkey=",),
        before=0,
    ),
    Rule(
        "authorization",
        "(?a)"
        r"(?i:authorization)[\\\"'\]]{0,4}+\s{0,3}+[:=,]\s{0,3}+(?:[\\\"'`]{0,4}+f?+[\"'`]?+)"
        r"(?:(?i:bearer|basic|token|bot|api-?+key)[ \t]{1,4}+)?+"
        r"(?P<secret>[A-Za-z0-9._~+/=\-]{8,8192}+)",
        ("authorization",),
        before=0,
        accept=is_likely,
    ),
    Rule(
        "authorization",
        "(?a)"
        r"(?i:bearer)[ \t]{1,4}+(?P<secret>[A-Za-z0-9._~+/=\-]{16,8192}+)",
        ("bearer ",),
        before=0,
        follow=r"(?=[ ]{0,3}+[a-z0-9._~+/=\-]{16})",
        accept=is_likely,
    ),
)
"""Secrets that are recognised by the text before them."""

_COLOUR = r"\x1b\[[0-9;]{0,16}+m"
"""A colour of a terminal."""
_REST_OF_NAME = (
    r"(?i:[_-]?+(?:access|api|auth|key|base|value|string|prod|dev|live|test|staging|main"
    r"|[0-9]{1,2}+)){0,4}+"
)
_BLANK = rf"[ \t]{{0,8}}+(?:{_COLOUR}[ \t]{{0,8}}+){{0,4}}+"
_QUOTES = r"[\\\"'\]\u2018-\u201f]{0,4}+"
_ASSIGNS = (
    rf"{_QUOTES}(?:{_COLOUR}{_QUOTES}){{0,4}}+{_BLANK}"
    r"(?::[ \t]?+(?i:str)(?i:ing)?+[ \t]{0,4}+(?==))?+"
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
    rf"(?=[a-z0-9_\-]{{0,40}}+(?:\\t|[\\\"'\] ]|{_CURLY}|{_COLOUR}){{0,40}}+"
    rf"(?::[ ]?+str(?:ing)?+[ ]{{0,4}}+(?==))?+(?:[:=][>=]?+|{_WIDE})"
    rf"(?:\\t|[\\\"'` ]|{_CURLY}|{_COLOUR}){{0,40}}+"
    r"(?![0-9.]{1,24}+[^0-9.a-z])[^\s\"'`\\<>{}()$|\[\]]{8})"
)
"""The same in JSON, as far as the prefilter reads. Numbers, as of `max_tokens`, do not match."""


def _assigned(kind: str, name: str, *literals: str) -> Iterator[Rule]:
    """Return rules for values that are assigned to a name, in quotes and without them."""
    for value in (_QUOTED, _BARE):
        pattern = f"(?ai)(?:{name}){_REST_OF_NAME}{_ASSIGNS}{value}"
        yield Rule(kind, pattern, literals, before=0, follow=_IN_JSON, accept=is_likely)


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
        pattern = f"(?a){whole}{_REST_OF_NAME}{assigns}{value}"
        yield Rule(kind, pattern, (name,), before=0, follow=_IN_JSON, accept=is_likely)


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
        follow=r"(?=[ ]{0,4}+[\\\"']{1,9}+[a-z_]{2,80}+[\\\"'])",
        accept=is_likely,
    ),
    # the literals are those of the short names, so that the prefilter searches fewer
    *_assigned("password", "pass(?:wor[dt]|wd|phrase)", "pass"),
    *_assigned("password", "pwd", "pw"),
    *_assigned("secret", "secrets?+", "secret"),
    *_assigned("token", "token", "token"),
    *_assigned("api-key", "api[_-]?+key", "apikey", "api_key", "api-key"),
    *_assigned("api-key", "access[_-]?+key", "access_key", "access-key", "accesskey"),
    *_key("signing", "encryption", "private", "master", "auth", "hmac"),
    # reports of tests have lines such as `PASS: testName1`
    *_short("password", "pass", rf"{_BLANK}=(?![=>]){_BLANK}"),
    *_short("password", "pw", _ASSIGNS),
)
"""Secrets that are recognised by the name that they are assigned to."""

RULES: tuple[Rule, ...] = (*TOKENS, *PLACED, *ASSIGNED)
"""All of them. The specific ones are first: of hits at one place the first counts."""
