"""The built-in rules: what they find and what they leave, and the steps of a search."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from random import Random

import orjson
import pytest

from journal.format.keyed_hash import Key
from journal.format.redacted import MARK
from journal.redact.checks.linear import why_slow
from journal.redact.redactor import Redactor
from journal.redact.rule import Rule
from journal.redact.rules import RULES
from journal.redact.setup import own_rules
from tests.journal.redact.regex_steps import Steps
from tests.support.redaction.drawing import Made
from tests.support.redaction.planted_arguments import planted_in_arguments
from tests.support.redaction.planted_formats import planted_in_formats
from tests.support.redaction.planted_pairs import planted_in_pairs
from tests.support.redaction.planted_secrets import planted_secrets

SHARED = Path(__file__).parents[4] / "shared" / "data"
KEY = Key(bytes(range(32)))
SEEDS = range(2)
PER_CHARACTER = 100
"""Bound on the steps of any rule for one character, for texts of any length."""


def redactor() -> Redactor:
    """Return a redactor with the built-in rules."""
    return Redactor([own_rules()], lambda: KEY)


def test_the_corpus_has_the_size_that_the_recall_is_measured_with() -> None:
    """At least 60 secrets of 25 kinds are planted, half of them of Kingfisher's kinds.

    Beside them there are at least 160 in the forms of terminals, editors, mails and languages, and
    in commands, lists and settings.
    """
    forms = (planted_in_formats, planted_in_arguments, planted_in_pairs)
    in_forms = {it.kind for planted_in in forms for it in planted_in(Made(1))}
    planted = [it for it in planted_secrets() if it.kind not in in_forms]

    assert len(planted) >= 60
    assert len({it.kind for it in planted}) >= 25
    assert sum(it.kingfisher for it in planted) * 2 >= len(planted)
    assert len(planted_secrets()) - len(planted) >= 160
    assert len(in_forms) >= 45


@pytest.mark.parametrize("seed", SEEDS)
def test_planted_secrets_are_found(seed: int) -> None:
    """Of the planted secrets at least 95 % are redacted."""
    planted = planted_secrets(seed)

    missed = [it.kind for it in planted if it.leaks(redactor().text(it.text))]

    assert len(missed) <= 0.05 * len(planted), missed


@pytest.mark.parametrize("seed", SEEDS)
def test_secrets_in_pairs_and_encoded_texts_are_all_found(seed: int) -> None:
    """So are tokens with a beginning of their own; nothing else of the text changes."""
    for it in planted_in_pairs(Made(seed)):
        new = redactor().text(it.text)
        assert not it.leaks(new), it
        assert len(MARK.findall(new)) == 1, new
        before, _, behind = it.text.partition(it.secrets[0])
        assert before.strip() == MARK.split(new)[0].strip(), new
        assert new.endswith(behind), new


@pytest.mark.parametrize("seed", SEEDS)
def test_planted_secrets_are_found_in_every_part_of_an_event(seed: int) -> None:
    """Secrets are found in content parts, in the arguments of tools, and in `extra`."""
    missed = []
    for it in planted_secrets(seed):
        for data in (
            {"content": [{"type": "text", "text": it.text}]},
            {"extra": {"deep": [{"er": it.text}]}},
            {"tool_calls": [{"function": {"arguments": json.dumps({"command": it.text})}}]},
        ):
            new, redacted = redactor().redact("message.appended", {"role": "user", **data})
            texts = "\n".join(_strings(new))
            if redacted is None or it.leaks(texts):
                missed.append((it.kind, list(data)))

    assert len(missed) <= 0.05 * 3 * len(planted_secrets(seed)), missed


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.slow
def test_redacting_twice_changes_nothing(seed: int) -> None:
    """A text with marks is not changed, and an event with marks is not either."""
    texts = [it.text for it in planted_secrets(seed)]
    texts += ["".join(pair) for pair in itertools.pairwise(texts[::3])]
    texts += [json.dumps({"password": text, "in": json.dumps([text])}) for text in texts[::2]]
    for text in texts:
        once = redactor().text(text)
        assert redactor().text(once) == once
        data, _ = redactor().redact("message.appended", {"role": "user", "content": text})
        assert redactor().redact("message.appended", data) == (data, None)


def test_two_uses_of_one_secret_have_the_same_mark() -> None:
    """The digits of a mark are those of the keyed hash of the secret."""
    token = "gh" + "p_" + "aB3" * 12
    digits = KEY.hash("secret", token)[:6]

    assert redactor().text(f"{token} and {token}") == " and ".join(
        [f"[redacted:github-token:{digits}]"] * 2
    )


@pytest.mark.parametrize(
    "text",
    [
        "token = self.get_token()",
        "password: str = os.environ['PASSWORD']",
        "API_KEY=$OPENAI_API_KEY",
        "API_KEY=${{ secrets.API_KEY_2 }}",
        "export TOKEN=$(gh auth token)",
        'api_key = "your_api_key_123"',
        "SECRET=xxxxxxxx1234Ab",
        "max_output_tokens: 128000",
        '"next_page_token": null',
        'password = "correct horse battery"',
        "postgres://user:password@localhost/db",
        "https://oauth2:${GITLAB_TOKEN}@gitlab.com/x.git",
        "Authorization: Bearer <your-token-1>",
        "Authorization: Bearer ${process.env.BRAINTRUST_API_KEY}",
        "if token == 'Abcdefg1234': pass",
        "secrets:\n  npm_token:\n    required: true",
        "task-1234567890abcdefghijklmnopqrstuvwxyz",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "AK" + "IAIOSFODNN7EXAMPLE",
        "-----BEGIN " + "PRIVATE KEY-----\n...\n-----END " + "PRIVATE KEY-----",
        "token_endpoint: https://example.com/oauth2/token1",
        "PWD=/home/user1/Work2",
        "pass = true",
        "pw = getpass()",
        "pw = getPass123()",
        "pw = secrets.token_hex(16)",
        "PASS=$DB_PASS2",
        "DB_PASS=${DB_PASS_1:-}",
        "pass=%(db_pass1)s",
        "password = <password1>",
        "PASSWORD=$PASSWORD",
        "password=********",
        "PASS: TestLogin123",
        "PASS: test/unit/login_1.test.js",
        "--- PASS: TestParse2 (0.00s)",
        "bypass=Abcdefg1234",
        "compass = Northwest12x",
        "pass_fds=(read1, write2)",
        "signing_key = load_key(path1)",
        "signingKey: config.signingKey2,",
        "encryption_key = os.environ['ENCRYPTION_KEY_1']",
        "private_key_path=/etc/ssl/Server1.pem",
        "token: Base64Url2[0]",
        "secret=Secret123(x)",
        "const token = user1Token||defaultToken",
        "password->setValue1X",
        "password\uff1a请输入密码",
        "token “the session token of user1”",
        "http://{user}:{password1}@{host}/",
        "https://%s:%s@%s/x1",
        "postgres://user:$PASSWORD1@$HOST/db",
        "postgres://user:password@{host}/db",
        "define('DB_PASS', getenv('DB_PASS_1'));",
        "define('DB_PASS', 'password_here')",
        "\x1b[32mPASS\x1b[0m tests/Login1.test.ts",
        "s/token\\/abc123def/x",
        "mysql -u root -p$MYSQL_PASS1 shop",
        "mysql -u root -p shop",
        "mysql -h db -P 3306 -p3306 app",
        "mkdir -p src/app123/Login",
        "git push -u origin:feature123 main",
        "docker login -u me -p $TOKEN1 r.example.com",
        "docker login -u me --password-stdin r.example.com",
        "curl -u $USER1:$PASS1 https://example.com",
        "curl -u user:password https://example.com",
        "curl -u user https://example.com/User123abc",
        'curl -H "Authorization: Bearer $TOKEN1" -o Out123.txt',
        "sshpass -p ${PASS1} ssh host",
        "tool --token <token1>",
        "tool --token-file Token123.txt",
        "tool --password --verbose123A",
        "docker build --secret id=npm_token123,src=.npmrc .",
        "per-token GPT2LMHeadModel",
        'tokens = ["GPT2LMHead", "BertTokenizer1"]',
        'tokens: ["hello", "world12345"]',
        '"secrets": ["DB_PASSWORD_123", "name"]',
        "secrets:\n  - db_password_123\n",
        "passwords:\n  - name: User123abc\n",
        "password: |\n  the old one was changed\n",
        "https://user@example.com/x",
        "ssh://git@github.com:22/a.git",
        "https://registry.npmjs.org/@scope/pkg123@1.2.3",
        "http://localhost:8080/app@v1",
        "postgres://db.internal:5432/app?by=a@b",
        "postgres://user:password@db.internal/app@x",
        "Basic usage of the API",
        "basic functionality123",
        '"auth": "required"',
        "the login user123 and password Reset",
        "Cookie: theme=dark; consent=accepted-all-2024; _ga=GA1.2.123456789.1700000000",
        '"sessionId": "0199c0de-0000-7000-8000-000000000003"',
        "cookie: session=deleted; Path=/",
        "task123456789012345678901234567890abcd",
        "&sig=ok",
        "1234567890:AbcdEfgh",
        "NotABotToken123456789012.min.js",
        '"next_token": "page2token34"',
        "&pageToken=CAUQAA123abc",
        '{"nextPageToken": "Ch4IBRIaCh123"}',
        "continuation_token: Ab12cd34ef",
        "aws s3api list-objects --starting-token eyJNYXJrZXIi123 --max-items 5",
        '"page_tokens": ["CAUQAA1234567890abcd"]',
        '"secret": "projects/p1/secrets/s2/versions/3"',
        'secret: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:Db-Ab12"',
        "http://localhost:8080@foo",
        "redis://localhost:6379@foo",
        "http://127.0.0.1:8080@foo",
        "token: Token2Kind3x4",
        '{"name":"DB_PASSWORD","value":"your_password_123"}',
        '- name: DB_PASSWORD\n  value: "$(DB_PASS_123)"',
        "- name: DB_PASSWORD\n  valueFrom:\n    key: Abcd1234x",
        '{"name":"token_count","value":"Abcd1234x"}',
        '{"token": {"value": "Ab12"}}',
        "the token value: Abcd1234x",
        "#define TOKEN_LENGTH Abcd1234x",
        "#define API_TOKEN getToken123(x)",
        "set -x PATH /opt/token/bin123A",
        "set -x TOKEN $OTHER_TOKEN123",
        "q=password%3D%3Cpassword123A%3E",
        "token%3Dpagination",
        "u=https%3A%2F%2Fuser%3Apassword%40host.example",
        "https%3A%2F%2Fexample.com%3A8080%2Fpath%40x",
        "password=&quot;&lt;your-Pass123&gt;&quot;",
        "password: &str = env123(x)",
        "pul-request and HRKU-AA and dp.pt.x and a.atlasv1.b",
    ],
)
def test_placeholders_names_and_expressions_are_no_secrets(text: str) -> None:
    """Placeholders, names, and expressions that read a secret from elsewhere are not redacted."""
    assert redactor().text(text) == text


def test_no_pattern_can_be_searched_in_many_ways() -> None:
    """The check of user patterns accepts each built-in rule."""
    patterns = [(rule.kind, it) for rule in RULES for it in (rule.pattern, rule.item) if it]
    assert [(kind, why_slow(it)) for kind, it in patterns if why_slow(it)] == []


@pytest.mark.slow
def test_the_counted_search_finds_what_python_finds() -> None:
    """The search that counts steps finds the same matches as Python's `re`."""
    draw = Random(1)  # noqa: S311 - the same texts in each run
    matched = 0
    for rule in RULES:
        compiled = re.compile(rule.pattern)
        for text in _hard_texts(rule, draw, 80, 6):
            for at in range(0, len(text), 5):
                found = compiled.match(text, at)
                assert Steps(rule.pattern).match(text, at) == (
                    None if found is None else found.end()
                )
                matched += found is not None
    assert matched > 30


@pytest.mark.slow
def test_the_work_of_a_search_grows_no_faster_than_the_text() -> None:
    """For texts made to be slow for a rule, the steps for each character are bounded."""
    draw = Random(2)  # noqa: S311
    for rule in RULES:
        for text in _hard_texts(rule, draw, 600, 1):
            short, long = _steps(rule, text) / len(text), _steps(rule, text * 3) / len(text) / 3
            assert long <= 1.5 * max(short, PER_CHARACTER), (rule.kind, text[:80])


def test_a_backtracking_pattern_is_detected() -> None:
    """The count of steps and the check of patterns refuse a pattern that is known to be slow."""
    slow = Rule("x", "corp_(?:[a-z]{1,64}){1,64}!", ("corp_",), before=0)

    assert why_slow(slow.pattern) is not None
    assert _steps(slow, "corp_" + "a" * 14) > PER_CHARACTER * 19


def _hard_texts(rule: Rule, draw: Random, size: int, count: int) -> list[str]:
    """Return texts of a rule's literals, of whole beginnings of matches, and of filler."""
    planted = [it.text for it in planted_secrets(draw.randrange(100))]
    own = [text for text in planted if any(it in text.lower() for it in rule.literals)]
    starts = [
        *rule.literals,
        *(it.upper() for it in rule.literals),
        *(match[0] for it in own if (match := re.search(rule.pattern, it)) is not None),
        "PRIVATE KEY-----",
        "eyJ",
    ]
    fillers = [*"aA0_-.=:/\"'\\ \n@", "aB3" * 20, "=", ': "', "\\n", "-----END", "-----", "A" * 64]
    texts = []
    for _ in range(count):
        pieces = [draw.choice(starts), draw.choice(fillers), draw.choice([*starts, *fillers])]
        pump = "".join(pieces[: draw.randint(1, 3)])
        cut = draw.randrange(len(pump)) + 1
        texts.append((pump[:cut] * (size // cut + 1))[:size])
    return texts


def _steps(rule: Rule, text: str) -> int:
    """Count the steps of a rule in a text, as `Rule.find` searches."""
    lower = text.lower()
    search, item = Steps(rule.pattern), Steps(rule.item)
    assert rule.before is not None
    for literal in rule.literals:
        at = lower.find(literal)
        while at >= 0:
            end = search.match(text, at - rule.before) if at >= rule.before else None
            if end is not None and rule.item:
                for place in range(at, end):
                    item.match(text, place)
            at = lower.find(literal, at + 1 if end is None else max(end, at + 1))
    return search.count + item.count


def test_the_prefilter_passes_all_that_the_rules_find() -> None:
    """A secret is found with any JSON escapes around it, and with its name in any case."""
    scanner = own_rules()
    for it in planted_secrets():
        for form in (it.text, json.dumps(it.text), json.dumps(json.dumps({"a": it.text}))):
            assert scanner.may_find(form.encode())
            assert scanner.may_find(orjson.dumps({"x": [form]}))


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="needs the real transcripts in ../shared/data")
def test_real_transcripts_have_hardly_a_false_hit() -> None:
    """In 10 MB of real transcripts, cleaned of secrets, at most one is found; all are listed."""
    found: list[str] = []
    redactor, size = Redactor([own_rules()], lambda: KEY), 0
    for path in sorted(SHARED.rglob("*")):
        if not path.is_file() or b"\0" in (content := path.read_bytes())[:1_024]:
            continue
        size += len(content)
        for line in content.splitlines():

            def see(name: str, _text: str, new: str, path: Path = path) -> None:
                found.extend(
                    f"{it[0]} in {name or 'a text'} of {path}" for it in MARK.finditer(new)
                )

            redactor.redact_texts("a.line", {"": _value_of(line)}, see)

    assert size > 10_000_000
    assert len(found) <= size / 10_000_000, "\n".join(found)


def _value_of(line: bytes) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return line.decode(errors="replace")


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        try:
            inner = orjson.loads(value) if value[:1] in ("{", "[") else None
        except orjson.JSONDecodeError:
            inner = None
        return [value, *([] if inner is None else _strings(inner))]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    return [text for item in value for text in _strings(item)] if isinstance(value, list) else []
