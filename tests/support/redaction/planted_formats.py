# ruff: noqa: RUF001 - full-width punctuation and curly quotes are what is planted
"""Generates secrets in the forms in which terminals, editors, mails and other languages show them.

They were written from the documents of these forms, before the rules that find them: ECMA-48
(colours of terminals), RFC 8259 (escapes of JSON), RFC 7468 (keys), RFC 3676 (quoted mail), the
unified format of diff, `cat -n`, RFC 3986 (URLs) with the placeholders of shells, Python and
printf, the quotation marks and the full-width punctuation of Unicode, and the names that the
manuals of MySQL, WordPress, Django, Rails and CodeIgniter give to passwords and keys.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.redaction.drawing import ALNUM, BASE64, HEX, UPPER, WORD, Made, Planted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ESC = "\x1b["

FORMATS: dict[str, tuple[Callable[[Made], str], tuple[str, ...]]] = {
    "coloured": (
        Made.word,
        (
            f"{_ESC}33mDB_PASSWORD{_ESC}0m={_ESC}32m@@{_ESC}0m\nDB_NAME=app",
            f'{{\n  {_ESC}34;1m"password"{_ESC}0m{_ESC}1;39m: {_ESC}0m{_ESC}0;32m"@@"{_ESC}0m\n}}',
            f"{_ESC}2mAPI_TOKEN=@@{_ESC}0m",
            f"password: {_ESC}1m@@{_ESC}m",
        ),
    ),
    "coloured-in-json": (
        Made.word,
        (
            r'log: {"line":"\u001b[36mDB_PASSWORD\u001b[39m=\u001b[32m@@\u001b[39m"}',
            r'{"line":"API_TOKEN=@@\u001b[0m"}',
        ),
    ),
    "before-cjk": (
        Made.word,
        (
            "数据库的 password=@@，请勿外传。",
            "新的 token: @@。明天生效",
            "DB_PASSWORD=@@を使ってください",
            "API_SECRET=@@、再起動",
            "secret=@@\u3000次の行",
        ),
    ),
    "full-width": (
        Made.word,
        (
            "password：@@",
            "DB_PASSWORD： @@，用户 app",
            "token＝@@ です",
            "（password=@@）",
            "【token：@@】",
        ),
    ),
    "in-brackets": (
        Made.word,
        (
            "[client_secret=@@]",
            "{user: app, password: @@}",
            "<li>password=@@</li>",
            "<user:app password:@@>",
            "opts[token: @@] were used",
        ),
    ),
    "before-pipe": (
        Made.word,
        ("echo PASSWORD=@@|base64", "| DB_PASSWORD=@@| prod |", "app|password=@@|5432"),
    ),
    "curly-quotes": (
        Made.word,
        (
            "password = “@@”",
            "set DB_PASSWORD=‘@@’ in .env",
            "“password”: “@@”,",
            "use “token=@@” there",
            "»password: „@@“«",
        ),
    ),
    "escaped-slashes": (
        lambda m: m.draw(ALNUM, 12),
        (
            r'{"dsn":"postgres:\/\/app:@@@db.internal:5432\/app"}',
            r'out: {"dsn":"mysql:\/\/root:@@@127.0.0.1\/shop","n":1}',
            r"sed 's/x/amqp:\/\/svc:@@@mq.internal\/v/'",
        ),
    ),
    "escaped-webhook": (
        lambda m: rf"T{m.draw(UPPER, 8)}\/B{m.draw(UPPER, 8)}\/{m.draw(ALNUM, 24)}",
        (r'{"url":"https:\/\/hooks.slack' + r'.com\/services\/@@"}',),
    ),
    "escaped-slash-in-value": (
        lambda m: rf"{m.draw(BASE64, 20)}\/{m.draw(ALNUM, 18)}",
        (r'{"secret_access_key":"@@","region":"eu"}', r'log {"client_secret":"@@"} end'),
    ),
    "unicode-escaped": (
        lambda m: rf"\u0067hp{'_'}{m.draw(ALNUM, 36)}",
        (r'{"x":"@@"}', r'stdin: {"x":"@@"}', r'{"args":"{\"x\":\"@@\"}"}'),
    ),
    "unicode-escaped-assignment": (
        Made.word,
        (
            r'curl: {"body":"user=app\u0026password=@@\u0026x=1"}',
            r'{"html":"password\u003d@@\u003c/b\u003e"}',
        ),
    ),
    "url-before-placeholder": (
        lambda m: m.draw(ALNUM, 14),
        (
            'f"postgres://app:@@@{host}:5432/app"',
            "redis://:@@@$REDIS_HOST:6379/0",
            "mysql://root:@@@${DB_HOST}/shop",
            'fmt.Sprintf("amqp://svc:@@@%s/v", host)',
            "https://bot:@@@<host>/path",
            "mongodb://app:@@@_mongodb._tcp.internal/db",
            "https://bot:@@@例え.jp/x",
            "ldap://cn:@@@%(host)s/dc",
        ),
    ),
    "short-name": (
        Made.word,
        (
            "PASS=@@",
            "export DB_PASS=@@\n",
            "SMTP_PASS='@@'",
            'String dbPass = "@@";',
            "pw=@@",
            "db_pw: @@\n",
            'connect(user="app", pw="@@")',
            "MYSQL_PWD=@@ mysql -u root",
            '{"user": "app", "pass": "@@"}',
            "define('DB_PASS', '@@')",
        ),
    ),
    "key-name": (
        lambda m: m.draw(ALNUM, 40),
        (
            "SIGNING_KEY=@@",
            "JWT_SIGNING_KEY: @@\n",
            "ENCRYPTION_KEY=@@",
            "APP_ENCRYPTION_KEY='@@'",
            "config.master_key = '@@'",
            "RAILS_MASTER_KEY=@@",
            "PRIVATE_KEY=@@",
            '"privateKey": "@@",',
            "AUTH_KEY=@@",
            "HMAC_KEY: @@",
        ),
    ),
    "hex-key-name": (
        lambda m: m.draw(HEX, 64),
        ("signing_key = @@", '{"encryptionKey":"@@"}', "--private-key=@@"),
    ),
    "hosted-key-name": (
        lambda m: m.draw(WORD, 44),
        ("LICENSE_SIGNING_KEY=@@", "webhook_signing_key: '@@'"),
    ),
}
"""Kinds of forms: what draws a secret, and texts with `@@` in its place."""

_NUMBERED: dict[str, Callable[[int, str], str]] = {
    "cat-n": lambda at, line: f"{at:6}\t{line}",
    "arrow": lambda at, line: f"{at:6}→{line}",
    "grep-n": lambda at, line: f"{at}:{line}",
    "less-n": lambda at, line: f"{at:7} {line}",
    "bat": lambda at, line: f"{at:4} │ {line}",
    "mail": lambda _, line: f"> {line}",
    "mail-twice": lambda _, line: f"> > {line}",
    "diff": lambda _, line: f"+{line}",
    "diff-removed": lambda _, line: f"-{line}",
    "yaml": lambda _, line: f"      {line}",
    "comment": lambda _, line: f"# {line}",
}
"""How a line of a key is shown, given its number."""


def _shown_keys(made: Made) -> Iterator[Planted]:
    border = "-" * 5
    for form, show in _NUMBERED.items():
        for is_whole in (True, False):
            body = [made.draw(BASE64, 64) for _ in range(5)]
            label = "PRIVATE" + " KEY"
            lines = [f"{border}BEGIN {label}{border}", *body]
            if is_whole:
                lines.append(f"{border}END {label}{border}")
            text = "\n".join(show(at, line) for at, line in enumerate(lines, 1))
            yield Planted(f"private-key-{form}", False, f"$ show\n{text}\n", tuple(body))  # noqa: FBT003


def _forms(secret: str) -> tuple[str, ...]:
    """Return a secret as it is written, and without its escapes if it has some."""
    return (secret, json.loads(f'"{secret}"')) if "\\" in secret else (secret,)


def planted_in_formats(made: Made) -> list[Planted]:
    """Return a secret in each text of each form, and private keys as programs show them."""
    found = []
    for kind, (draw, places) in FORMATS.items():
        for place in places:
            secret = draw(made)
            text = place.replace("@@", secret)
            found.append(Planted(kind, False, text, _forms(secret)))  # noqa: FBT003
    return [*found, *_shown_keys(made)]
