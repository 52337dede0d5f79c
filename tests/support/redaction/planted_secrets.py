"""Generates made-up secrets in made-up messages, to measure what a scanner finds.

They were written from the published shapes of each kind, and half of the kinds from the rules of
the scanner Kingfisher, before the rules of `journal.redact`. All of them are random and made when
a test runs: no text of this repository looks like a secret to a scanner.
"""

from __future__ import annotations

import base64
from string import ascii_letters, digits
from typing import TYPE_CHECKING

import orjson

from tests.support.redaction.drawing import (
    ALNUM,
    BASE32,
    BASE64,
    HEX,
    LOWER,
    UPPER,
    WORD,
    Made,
    Planted,
)
from tests.support.redaction.planted_arguments import planted_in_arguments
from tests.support.redaction.planted_formats import planted_in_formats
from tests.support.redaction.planted_pairs import planted_in_pairs

if TYPE_CHECKING:
    from collections.abc import Callable

_PLACES = (
    "I set the key to {} and it still answers 401. What is wrong?",
    "export SERVICE_KEY={}\nmake deploy",
    '{{"key": "{}", "region": "eu-west-1"}}',
    "client = Client('{}', timeout=30)  # works on my machine",
    "我把密钥改成了 {} 还是不行",
    "2026-11-02T10:11:12Z INFO started with {}\n2026-11-02T10:11:13Z INFO ready",
    "- name: KEY\n  value: {}\n- name: MODE\n  value: fast",
)
"""Messages into which a token is put; none of them says what kind it is."""

KINGFISHER: dict[str, Callable[[Made], str]] = {
    "aws-access-token": lambda m: "AK" + "IA" + m.draw(BASE32, 16),
    "anthropic-api-key": lambda m: "sk-" + "ant-api03-" + m.draw(WORD, 93) + "AA",
    "openai-api-key": lambda m: f"sk-{'proj'}-{m.draw(WORD, 74)}T3Blbk{'FJ'}{m.draw(WORD, 74)}",
    "github-pat": lambda m: "gh" + "p_" + m.draw(ALNUM, 36),
    "github-fine-grained-pat": lambda m: "github" + "_pat_" + m.draw(ALNUM + "_", 82),
    "gitlab-pat": lambda m: "gl" + "pat-" + m.draw(WORD, 20),
    "slack-bot-token": lambda m: "-".join(
        ["xo" + "xb", m.draw(digits, 12), m.draw(digits, 12), m.draw(ALNUM, 24)]
    ),
    "slack-webhook-url": lambda m: (
        f"https://hooks.slack{'.com'}/services/T{m.draw(UPPER, 8)}/B{m.draw(UPPER, 8)}"
        f"/{m.draw(ALNUM, 24)}"
    ),
    "stripe-access-token": lambda m: "sk_" + "live_" + m.draw(ALNUM, 24),
    "sendgrid-api-token": lambda m: f"S{'G'}.{m.draw(WORD, 22)}.{m.draw(WORD, 43)}",
    "npm-access-token": lambda m: "np" + "m_" + m.draw(ALNUM, 36),
    "pypi-upload-token": lambda m: "pypi-" + "AgEIcHlwaS5vcmc" + m.draw(WORD, 120),
    "huggingface-access-token": lambda m: "h" + "f_" + m.draw(ascii_letters, 34),
    "gcp-api-key": lambda m: "AI" + "za" + m.draw(WORD, 35),
    "digitalocean-pat": lambda m: "dop" + "_v1_" + m.draw(HEX, 64),
    "databricks-api-token": lambda m: "da" + "pi" + m.draw(HEX, 32),
    "groq-api-key": lambda m: "gs" + "k_" + m.draw(ALNUM, 52),
    "openrouter-api-key": lambda m: "sk-" + "or-v1-" + m.draw(HEX, 64),
    "postman-api-token": lambda m: f"PM{'AK'}-{m.draw(HEX, 24)}-{m.draw(HEX, 34)}",
    "shopify-access-token": lambda m: "shp" + "at_" + m.draw(HEX, 32),
    "linear-api-key": lambda m: "lin_" + "api_" + m.draw(ALNUM, 40),
    "vault-service-token": lambda m: "hv" + "s." + m.draw(WORD, 96),
    "notion-api-token": lambda m: "nt" + "n_" + m.draw(digits, 11) + m.draw(ALNUM, 35),
    "grafana-service-account-token": lambda m: f"gl{'sa'}_{m.draw(ALNUM, 32)}_{m.draw(HEX, 8)}",
    "xai-api-key": lambda m: "xa" + "i-" + m.draw(ALNUM, 80),
    "perplexity-api-key": lambda m: "ppl" + "x-" + m.draw(ALNUM, 48),
    "rubygems-api-token": lambda m: "ruby" + "gems_" + m.draw(HEX, 48),
    "azure-ad-client-secret": lambda m: f"{m.draw(ALNUM, 3)}8{'Q~'}{m.draw(WORD, 34)}",
    "dockerhub-personal-access-token": lambda m: "dckr" + "_pat_" + m.draw(WORD, 27),
}
"""Tokens that are recognised by their own shape: kinds of Kingfisher's rules."""


def _jwt(made: Made) -> str:
    head = _base64(orjson.dumps({"alg": "HS256", "typ": "JWT"}))
    body = _base64(orjson.dumps({"sub": made.draw(LOWER, 12), "iat": 1_790_000_000}))
    return f"{head}.{body}.{made.draw(WORD, 43)}"


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _pem(made: Made, label: str) -> tuple[str, tuple[str, ...]]:
    lines = tuple(made.draw(BASE64, 64) for _ in range(6))
    border = "-" * 5
    begin, end = f"{border}BEGIN {label}{border}", f"{border}END {label}{border}"
    return "\n".join([begin, *lines, end]), lines


KINGFISHER_PLACED: dict[str, tuple[Callable[[Made], str], tuple[str, ...]]] = {
    "generic-credential-uri": (
        Made.word,
        ("postgres://app:@@@db.internal:5432/app", "redis://default:@@@cache.internal:6379/0"),
    ),
    "mongodb-connection-string": (
        lambda m: m.draw(ALNUM, 16),
        ("mongodb+srv://admin:@@@cluster0.abcde.example.net/?retryWrites=true",),
    ),
    "curl-auth-header": (
        lambda m: m.draw(ALNUM, 40),
        (
            'curl -sS -H "Authorization: Bearer @@" https://api.example.com/v1/me',
            "curl -X POST https://api.example.com/v1 --header 'X-API-Key: @@'",
        ),
    ),
    "telegram-bot-api-token": (
        lambda m: m.draw(digits, 10) + ":A" + "A" + m.draw(WORD, 33),
        ("TELEGRAM_BOT_TOKEN=@@", "https://api.telegram.org/bot@@/getMe gives 404"),
    ),
    "azure-storage-account-key": (
        lambda m: m.draw(BASE64, 86) + "==",
        ("DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=@@;EndpointSuffix=x",),
    ),
}
"""Secrets that are recognised by the text around them: kinds of Kingfisher's rules."""

OWN_PLACED: dict[str, tuple[Callable[[Made], str], tuple[str, ...]]] = {
    "aws-secret-key": (
        lambda m: m.draw(BASE64, 40),
        (
            "[default]\naws_secret_access_key = @@\nregion = eu-west-1",
            "export AWS_SECRET_ACCESS_KEY='@@'",
        ),
    ),
    "env-password": (
        Made.word,
        (
            "DB_HOST=db\nDB_PASSWORD=@@\nDB_NAME=app",
            "docker run -e POSTGRES_PASSWORD=@@ postgres:16",
        ),
    ),
    "env-secret": (
        lambda m: m.draw(HEX, 64),
        ("SESSION_SECRET=@@\n", "$env:APP_SECRET = '@@'", "heroku config:set SECRET_KEY_BASE=@@"),
    ),
    "env-token": (
        lambda m: m.draw(ALNUM, 32),
        ("export DEPLOY_TOKEN=@@", "ENV CI_JOB_TOKEN=@@", "set BUILD_TOKEN=@@"),
    ),
    "yaml-password": (
        Made.word,
        ("db:\n  user: app\n  password: @@\n  pool: 5", 'smtp:\n  password: "@@"\n'),
    ),
    "json-secret": (
        lambda m: m.draw(WORD, 40),
        (
            '{"client_id": "web", "client_secret": "@@"}',
            '{\n  "refresh_token": "@@",\n  "expires": 3600\n}',
            r"echo '{\"api_key\": \"@@\"}' > config.json",
        ),
    ),
    "code-assignment": (
        lambda m: m.draw(ALNUM, 32),
        (
            'api_key = "@@"\nclient = Client(api_key)',
            "const apiKey = '@@';",
            'requests.get(url, auth=Auth(token="@@"))',
            'String dbPassword = "@@";',
        ),
    ),
    "basic-auth-header": (
        lambda m: base64.b64encode(f"svc-{m.draw(LOWER, 6)}:{m.word()}".encode()).decode(),
        ("> GET /v2/ HTTP/1.1\n> Authorization: Basic @@\n> Accept: */*",),
    ),
    "bearer-in-code": (
        lambda m: m.draw(WORD, 44),
        ("headers = {'Authorization': 'Bearer @@'}", '"authorization": "Bearer @@",'),
    ),
    "url-with-token": (
        lambda m: m.draw(ALNUM, 32),
        (
            "git clone https://oauth2:@@@git.example.com/team/app.git",
            "GET https://api.example.com/v1/items?limit=5&access_token=@@ returned 200",
        ),
    ),
    "npmrc": (lambda m: m.draw(WORD, 36), ("//registry.example.com/:_authToken=@@",)),
    "connection-string": (
        Made.word,
        (
            "Server=tcp:db.example.com,1433;Database=app;User ID=app;Password=@@;Encrypt=true",
            "mysql://root:@@@127.0.0.1:3306/shop",
            "amqp://guest:@@@mq.internal:5672/%2f",
        ),
    ),
}
"""Secrets that are recognised by the text around them, of no rule of Kingfisher's."""


def planted_secrets(seed: int = 20_261_126) -> list[Planted]:
    """Return the corpus: every kind, in all of its messages or in two of them."""
    made = Made(seed)
    found: list[Planted] = []
    for number, (kind, token) in enumerate(KINGFISHER.items()):
        secret = token(made)
        place = _PLACES[number % len(_PLACES)]
        found.append(Planted(kind, kingfisher=True, text=place.format(secret), secrets=(secret,)))
    jwt = _jwt(made)
    found.append(
        Planted(
            "jwt",
            kingfisher=True,
            text=f"Cookie: session={jwt}; a=b",
            secrets=(jwt,),
        )
    )
    for source, kingfisher in ((KINGFISHER_PLACED, True), (OWN_PLACED, False)):
        for kind, (token, places) in source.items():
            for place in places:
                secret = token(made)
                found.append(
                    Planted(
                        kind,
                        kingfisher=kingfisher,
                        text=place.replace("@@", secret),
                        secrets=(secret,),
                    )
                )
    for kind, label in (("rsa", "RSA PRIVATE" + " KEY"), ("openssh", "OPENSSH PRIVATE" + " KEY")):
        text, lines = _pem(made, label)
        found.append(
            Planted(
                "private-key", kingfisher=True, text=f"$ cat id_{kind}\n{text}\n$", secrets=lines
            )
        )
    text, lines = _pem(made, "PRIVATE" + " KEY")
    account = orjson.dumps({"type": "service_account", "private_key": text}).decode()
    found.append(Planted("private-key-in-json", kingfisher=False, text=account, secrets=lines))
    text, lines = _pem(made, "EC PRIVATE" + " KEY")
    cut = text.rpartition("\n")[0]
    found.append(
        Planted(
            "private-key-cut-off",
            kingfisher=False,
            text=f"head -c 400 key.pem\n{cut}",
            secrets=lines,
        )
    )
    return [*found, *planted_in_formats(made), *planted_in_arguments(made), *planted_in_pairs(made)]
