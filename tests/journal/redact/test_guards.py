"""Guards pass whatever their rules find."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING

import pytest

from journal.redact.checks.runs import SHORTEST_RUN, has_run, runs
from journal.redact.quick import may_redact
from journal.redact.rules.guards import assigned, logins, options
from journal.redact.setup import own_rules
from tests.support.redaction.planted_secrets import planted_secrets

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = (
    *("password", "passwort", "passwd", "passphrase", "pwd", "pass", "pw", "token", "secret"),
    *("secrets", "tokens", "passwords", "apiKey", "api_key", "API-KEY", "access_key", "accesskey"),
    *("signing_key", "encryptionKey", "private_key", "master_key", "auth-key", "hmac_key", "auth"),
    *("cookie", "cookies", "PHPSESSID", "ASP.NET_SessionId", "connect.sid", "sig", "AccountKey"),
    *("DB_PASSWORD_2", "tokenValue", "passwordString", "secretKeyBase64", "token_prod_01"),
    *("API_KEY_STAGING", "token_list", "sshpass", "rediscli_auth"),
)
_SIGNS = ("=", ":", " = ", ": ", " => ", ":=", "\uff1a", " \uff1d ", '": "', "': '", "\u201d: ")
_PAIRS = (
    '"{}","value":',
    "{}\n  value: ",
    '<a k="{}" value=',
    "{}%3D",
    "{}&quot;:&quot;",
    "{}%253A",
)
_COLOURS = ("{}{}", "\x1b[33m{}\x1b[0m{}", "{}\t{}", "{}']{}")


@pytest.mark.parametrize("name", _NAMES)
def test_a_name_before_a_sign_is_an_assignment(name: str) -> None:
    """In any form, in JSON and in JSON in JSON, as the prefilter reads it."""
    for sign in _SIGNS:
        for form in _COLOURS:
            text = form.format(name, sign).lower()
            for raw in (text, json.dumps(text, ensure_ascii=False)):
                assert assigned(raw.encode().replace(b"\\u001b", b"\x1b")), raw
    for form in _PAIRS:
        text = form.format(name).lower()
        assert assigned(text.encode()), text
        assert assigned(json.dumps(text).encode()), text
        assert assigned(json.dumps(json.dumps(text)).encode()), text


@pytest.mark.parametrize("text", ["a key: value", "the password is", "tokenizer: fast", "x = 1"])
def test_other_texts_are_no_assignment(text: str) -> None:
    """What only has a part of it does not cost a search."""
    assert not assigned(text.encode())


_OPTIONS = (
    "mysql -pabcde1",
    '["curl","-u","x:abcd"]',
    "a \\\n  -p abcde1",
    "c --user x:abcd",
    "set -gx api_key",
)
_OTHERS = ("mkdir -p a/bcdef", "x -p ./abcde1", "y -u me", "--- title", "a-p abcde1", "--apples")


@pytest.mark.parametrize("text", [*_OPTIONS, "--my-api-key x"])
def test_an_option_is_seen(text: str) -> None:
    """In a shell's form and in an array; also behind a line's end in JSON."""
    assert options(text.encode())
    assert options(json.dumps(text).encode())


@pytest.mark.parametrize("text", _OTHERS)
def test_other_options_cost_no_search(text: str) -> None:
    """Of one that is used for many things, the value is looked at."""
    assert not options(text.encode())


def test_a_login_is_seen() -> None:
    """By the sign before the host."""
    assert logins(b"http://a:b@c")
    assert not logins(b"http://c")


def test_a_run_has_as_many_characters_as_the_shortest_token() -> None:
    """One less is none. Each comes with the character before it, which may begin an escape."""
    assert has_run(b'"' + b"a1_.-~" * 4 + b'"')
    assert not has_run(b"a" * (SHORTEST_RUN - 1) + b"/" + b"b" * (SHORTEST_RUN - 1))

    long = b"a" * SHORTEST_RUN
    assert runs(long + b" " + long[1:] + b"\\" + long + b"x,") == long + b" \\" + long + b"x"
    assert runs(b"a" * (SHORTEST_RUN - 1)) == b""


def test_the_prefilter_and_the_rules_agree_on_pieces(tmp_path: Path) -> None:
    """Where a rule finds something in a cut of planted texts, prefilter and first look pass it."""
    random, scanner, hits = Random(3), own_rules(), 0  # noqa: S311 - the same in each run
    texts = [it.text for it in planted_secrets(3)]
    for _ in range(1_500):
        one, two = random.choice(texts), random.choice(texts)
        text = one[random.randrange(len(one)) :] + two[: random.randrange(len(two)) + 1]
        if list(scanner.find(text)):
            hits += 1
            assert scanner.may_find(text.encode()), text
            assert scanner.may_find(json.dumps(text).encode()), text
            assert may_redact(tmp_path, text), text
    assert hits > 300
