"""Generates secrets in commands, lists, cookies, URLs and files of settings.

They were written from the manuals of mysql, curl, sshpass, docker login, redis-cli, mongosh,
ldapsearch, sqlcmd, openssl, netrc and npmrc, those of Twilio, Discord, Azure and Slack, RFC 6265
(cookies), RFC 7617 (basic authentication) and YAML 1.2.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from tests.support.redaction.drawing import ALNUM, BASE64, HEX, LOWER, WORD, Made, Planted

if TYPE_CHECKING:
    from collections.abc import Callable


def _basic(made: Made) -> str:
    return base64.b64encode(f"svc-{made.draw(LOWER, 6)}:{made.word()}".encode()).decode()


def _discord(made: Made) -> str:
    return f"MT{made.draw(ALNUM, 22)}.{made.draw(WORD, 6)}.{made.draw(ALNUM, 38)}"


_TEXTS: dict[str, tuple[Callable[[Made], str], tuple[str, ...]]] = {
    "option": (
        Made.word,
        (
            "psql-tool --password @@ --host db",
            'deploy --db-password "@@"',
            "wget --http-passwd '@@' https://example.com/x",
            'subprocess.run(["tool", "--password", "@@"])',
            r'{"cmd":"[\"tool\",\"--passphrase\",\"@@\"]"}',
        ),
    ),
    "token-option": (
        lambda m: m.draw(ALNUM, 32),
        ("gh auth login --token @@", "cli --api-key @@ run", "cli --secret-access-key @@"),
    ),
    "program": (
        Made.word,
        (
            "mysql -u root -p@@ shop < dump.sql",
            "mysqldump --opt -h db -p'@@' shop",
            '["mariadb", "-u", "root", "-p@@"]',
            "sshpass -p @@ ssh app@host",
            "sshpass -p'@@' scp a b:",
            "docker login -u me -p @@ registry.example.com",
            "helm registry login -p @@ r.example.com",
            "redis-cli -h cache -a @@ ping",
            "mongosh -u admin -p @@ --quiet",
            "ldapsearch -x -D cn=admin -w @@ -b dc=x",
            "sqlcmd -S db -U sa -P @@ -Q 'select 1'",
            "openssl enc -aes-256-cbc -pass pass:@@ -in x",
            "curl -u user:@@ https://example.com",
            "curl -sS --user 'user:@@' https://example.com",
            "curl -uuser:@@ https://example.com",
            "curl \\\n  -X POST \\\n  -u user:@@ https://example.com",
            "SSHPASS=@@ sshpass -e ssh host",
            "REDISCLI_AUTH=@@ redis-cli ping",
        ),
    ),
    "curl-token": (
        lambda m: m.draw(ALNUM, 32),
        ("curl https://example.com/v1 -u @@:", "curl -b 'sid=@@' https://example.com"),
    ),
    "array": (
        Made.word,
        (
            'x = 1\n"passwords": ["a", "@@"]',
            "passwords = [\n  '@@',\n]",
            r"log {\"passwords\": [\"@@\"]}",
            "passwords:\n  - @@\n",
            '{"extra": {"passwords": ["@@"]}}',
        ),
    ),
    "token-array": (
        lambda m: m.draw(ALNUM, 24),
        ('tokens = ["@@"]', "api_keys: ['none', '@@']", "tokens:\n  - one\n  - @@\n"),
    ),
    "yaml-block": (
        Made.word,
        ("password: |\n  @@\n", "db_password: >-\n    @@\nuser: x", r"x: \"token: |\n  @@\n\""),
    ),
    "url-unescaped": (
        lambda m: f"{m.draw(ALNUM, 5)}@{m.draw(ALNUM, 6)}",
        ("postgres://u:@@@db.internal/app", "https://bot:@@@example.com/x.git"),
    ),
    "url-slash": (
        lambda m: f"{m.draw(ALNUM, 5)}/x{m.draw(ALNUM, 6)}",
        ("postgres://u:x@@@db.internal/app", "mongodb+srv://u:x@@@cluster0.example.net/x"),
    ),
    "url-user": (
        lambda m: m.draw(ALNUM, 40),
        ("git clone https://@@@git.example.com/a.git", "http://@@:@host/x"),
    ),
    "basic": (
        _basic,
        (
            "authorization: basic @@",
            "proxy-authorization:Basic @@",
            "x-upstream-auth: basic @@",
            "setRequestHeader('Auth', 'Basic ' + '@@')",
            "?h=Basic%20@@&x=1",
            "_auth=@@",
            '{"auths": {"r.example.com": {"auth": "@@"}}}',
        ),
    ),
    "npmrc-password": (
        lambda m: m.draw(BASE64, 22) + "==",
        ("//r.example.com/:_password=@@",),
    ),
    "npm-config": (
        lambda m: m.draw(ALNUM, 36),
        ("npm config set //r.example.com/:_authToken @@",),
    ),
    "twilio-key": (lambda m: "S" + "K" + m.draw(HEX, 32), ("client with @@ fails",)),
    "twilio-token": (
        lambda m: m.draw(HEX, 32),
        (f"Client('A{'C'}{'0a' * 16}', '@@')", f"A{'C'}{'1b' * 16}:@@"),
    ),
    "discord-token": (
        _discord,
        ("client.run('@@')", "Authorization: Bot @@"),
    ),
    "netrc": (
        Made.word,
        (
            "machine api.example.com login me password @@",
            "machine x\n  login me\n  password @@\n",
            "default login me password @@",
        ),
    ),
    "azure-signature": (
        lambda m: m.draw(ALNUM, 43) + "%3D",
        (
            "SharedAccessSignature sr=x&sig=@@&se=1&skn=k",
            "https://x.blob.core.windows.net/c?sv=2020&sig=@@",
        ),
    ),
    "azure-access-key": (
        lambda m: "/" + m.draw(BASE64, 42) + "=",
        ("Endpoint=sb://x;SharedAccessKeyName=R;SharedAccessKey=@@",),
    ),
    "slack-session": (lambda m: "xo" + "xd-" + m.draw(ALNUM, 60), ("d cookie @@",)),
    "session-cookie": (
        lambda m: m.draw(ALNUM, 32),
        (
            "Cookie: theme=dark; session=@@; a=b",
            "set-cookie: sessionid=@@; Path=/; HttpOnly",
            "cookies = {'laravel_session': '@@'}",
            "PHPSESSID=@@",
            r"{\"cookie\": \"JSESSIONID=@@\"}",
        ),
    ),
    "number-first": (
        lambda m: f"7!{m.draw(ALNUM, 10)}",
        ("DB_PASSWORD=@@\n", '{"password": "@@"}'),
    ),
}
"""Kinds: what draws a secret, and texts with `@@` in its place."""


def planted_in_arguments(made: Made) -> list[Planted]:
    """Return a secret in each text of each kind."""
    found = []
    for kind, (draw, places) in _TEXTS.items():
        for place in places:
            secret = draw(made)
            text = place.replace("@@", secret)
            found.append(Planted(kind, False, text, (secret,)))  # noqa: FBT003
    return found
