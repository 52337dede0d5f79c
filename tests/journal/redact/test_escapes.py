"""Texts with escapes of JSON: what is meant, and where that is in the text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.format.keyed_hash import Key
from journal.redact.escapes import Unescaped, unescaped_raw
from journal.redact.redactor import Redactor
from journal.redact.setup import own_rules

KEY = Key(bytes(range(32)))
BODY = "hp_" + "aB3" * 12

_pieces = st.lists(
    st.sampled_from(
        [
            ("a", "a"),
            ("京", "京"),
            ("\\n", "\\n"),
            ('\\"', '\\"'),
            ("\\u00e-", "\\u00e-"),
            ("\\ud83d\\ude00", "\\ud83d\\ude00"),
            ("\\/", "/"),
            ("\\\\\\/", "/"),
            ("\\u0067", "g"),
            ("\\\\u001B", "\x1b"),
            ("\\uff1a", "\uff1a"),
        ]
    )
)


@given(_pieces)
def test_each_character_has_its_place(pieces: list[tuple[str, str]]) -> None:
    r"""Slashes and `\u` are decoded; halves of surrogates and all other escapes stay."""
    text = "".join(given for given, _ in pieces)
    meant = Unescaped(text)
    assert meant.text == "".join(char for _, char in pieces)
    at = place = 0
    for given_piece, char in pieces:
        assert meant.place(at) == place
        at, place = at + len(char), place + len(given_piece)
    assert meant.place(at) == len(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"a\/b", b"a/b"),
        (r'"\\\/\\u0067"', rb'"/g"'),
        (r"\u001b[0m\uff1a\u201c", "\x1b[0m\uff1a\u201c".encode()),
        (r"c:\users \n \u4eac \u", rb"c:\users \n \u4eac \u"),
    ],
)
def test_the_prefilter_reads_what_rules_compare(text: str, expected: bytes) -> None:
    """Slashes, ASCII, curly quotes and full-width signs are decoded; everything else stays."""
    assert unescaped_raw(text.encode()) == expected


@pytest.mark.parametrize(
    "form",
    [
        r'{"x":"\u0067@"}',
        r'in a log: {"x":"\u0067@"} and more',
        r'{"args":"{\"x\":\"\\u0067@\"}"}',
        r'{"a":"\/\u4eac","x":"\u0067@","b":"\ud83d\ude00"}',
    ],
)
def test_a_token_in_escapes_is_replaced_and_the_rest_stays(form: str) -> None:
    """The text around the mark keeps its escapes, and JSON stays JSON."""
    new = Redactor([own_rules()], lambda: KEY).text(form.replace("@", BODY))
    before, behind = form.split(r"\u0067@")
    before = before.removesuffix("\\")
    assert new.startswith(f"{before}[redacted:github-token:")
    assert new.endswith(behind)
    assert BODY not in new
    if form.startswith("{"):
        json.loads(new)
