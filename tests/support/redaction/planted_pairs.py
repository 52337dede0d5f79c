"""Generates secrets in pairs of a name and a value, in declarations and encoded texts, and tokens.

They were written from the documents of these forms: manifests of Kubernetes, `appSettings` of .NET,
`#define` of C, `set -x` of the shell fish, RFC 3986 (URLs), HTML's references of characters, types
of Rust, PuTTY's files of keys; and from the shapes of tokens that their providers and the public
scanners of secrets name.
"""

from __future__ import annotations

from string import ascii_letters
from typing import TYPE_CHECKING

from tests.support.redaction.drawing import ALNUM, BASE64, HEX, UPPER, WORD, Made, Planted

if TYPE_CHECKING:
    from collections.abc import Callable

_ALNUM_WORD: Callable[[Made], str] = lambda made: made.draw(ALNUM, 14)  # noqa: E731
_PUTTY = f"PuTTY-User-Key-File-3: ssh-ed25519\nPublic-Lines: 2\n{ascii_letters}\nabcd"

TOKENS: dict[str, Callable[[Made], str]] = {
    "tailscale": lambda m: f"ts{'key'}-auth-{m.draw(ALNUM, 12)}-{m.draw(ALNUM, 32)}",
    "new-relic": lambda m: "NR" + "AK-" + m.draw(UPPER, 27),
    "langsmith": lambda m: f"lsv2{'_pt'}_{m.draw(HEX, 32)}_{m.draw(HEX, 10)}",
    "planetscale": lambda m: "pscale" + "_tkn_" + m.draw(WORD, 43),
    "doppler": lambda m: "dp" + ".pt." + m.draw(ALNUM, 43),
    "doppler-service": lambda m: "dp" + ".st.dev_web." + m.draw(ALNUM, 43),
    "pulumi": lambda m: "pu" + "l-" + m.draw(HEX, 40),
    "fly": lambda m: "fm" + "2_" + m.draw(ALNUM, 16) + m.draw(BASE64, 120) + "=",
    "heroku": lambda m: "HR" + "KU-AA" + m.draw(WORD, 58),
    "terraform": lambda m: m.draw(ALNUM, 14) + ".atlas" + "v1." + m.draw(WORD, 64),
    "airtable": lambda m: "pa" + "t" + m.draw(ALNUM, 14) + "." + m.draw(HEX, 64),
    "mapbox": lambda m: "sk" + ".ey" + "J1" + m.draw(ALNUM, 60) + "." + m.draw(WORD, 22),
    "cloudflare-origin": lambda m: f"v1{'.0'}-{m.draw(HEX, 24)}-{m.draw(HEX, 146)}",
}
"""Tokens that are recognised by their own shape."""

_MESSAGES = (
    "I use {} there",
    '{{"used": ["{}"]}}',
    "it prints\n{}\nand ends",
    r'log: {{"line":"first\n{}\nlast"}}',
)

FORMS: dict[str, tuple[Callable[[Made], str], tuple[str, ...]]] = {
    "pair": (
        Made.word,
        (
            '{"name":"DB_PASSWORD","value":"@@"}',
            '{"containers":[{"env":[\n  {\n    "name": "API_TOKEN",\n    "value": "@@"\n  }]}]}',
            r"kubectl: {\"name\":\"APP_SECRET\",\"value\":\"@@\"}",
            '- name: DB_PASSWORD\n  value: "@@"\n- name: MODE',
            "env:\n        - name: API_KEY\n          value: @@\n",
            r'{"file":"- name: ADMIN_TOKEN\n  value: @@\n"}',
            '<add key="Password" value="@@" />',
            "<property name='db.password' value='@@'/>",
            'set {\n  name  = "db_password"\n  value = "@@"\n}',
            '{"Key": "AccessKey", "Value": "@@"}',
        ),
    ),
    "declared": (
        Made.word,
        (
            '#define API_TOKEN "@@"',
            "#define\tWIFI_PASSWORD\t\t@@",
            "set -x DB_PASSWORD @@",
            "set -gx API_KEY '@@'\n",
            r'"#define BOT_TOKEN \"@@\"\n#define\tAP_PASSWORD\t1"',
            r'{"file":"#define MQTT_PASSWORD \"@@\"\n"}',
        ),
    ),
    "typed": (
        Made.word,
        (
            'let password: &str = "@@";',
            'const API_KEY: &\'static str = "@@";',
            'let token: String = "@@".into();',
        ),
    ),
    "in-query": (
        _ALNUM_WORD,
        (
            "body=user%3Dbob%26password%3D@@%26x%3D1",
            "state=%7B%22client_secret%22%3A%22@@%22%7D&y=2",
            "next=%2Flogin%253Ftoken%253D@@%2526a%253D1",
            "redirect=https%3A%2F%2Fuser%3A@@%40host.example%2F",
            "u=https%253A%252F%252Fuser%253A@@%2540host.example",
        ),
    ),
    "in-html": (
        _ALNUM_WORD,
        (
            "password=&quot;@@&quot;",
            "<div data-x='{&quot;api_key&quot;:&quot;@@&quot;}'>",
            "token: &#39;@@&#39;",
        ),
    ),
    "putty": (
        lambda m: m.draw(BASE64, 48),
        (f"{_PUTTY}\nPrivate-Lines: 1\n@@\nPrivate-MAC: 00aa",),
    ),
}
"""Kinds of forms: what draws a secret, and texts with `@@` in its place."""


def planted_in_pairs(made: Made) -> list[Planted]:
    """Return a secret in each text of each form, and each token in two messages."""
    found = []
    for number, (kind, token) in enumerate(TOKENS.items()):
        for message in (_MESSAGES[number % 2], _MESSAGES[2 + number % 2]):
            secret = token(made)
            found.append(
                Planted(kind, kingfisher=False, text=message.format(secret), secrets=(secret,))
            )
    for kind, (draw, places) in FORMS.items():
        for place in places:
            secret = draw(made)
            text = place.replace("@@", secret)
            found.append(Planted(kind, kingfisher=False, text=text, secrets=(secret,)))
    return found
