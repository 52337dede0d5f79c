"""The user's own rules, and the scanner Kingfisher behind the same interface."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from journal.errors import RedactionError
from journal.format.keyed_hash import Key
from journal.format.redacted import MARK
from journal.redact.redactor import Redactor
from journal.redact.setup import journal_scanners, own_rules
from tests.support.redaction.planted_secrets import planted_secrets

if TYPE_CHECKING:
    from pathlib import Path

KEY = Key(bytes(range(32)))
RULE = """
[[rule]]
kind = "corp-token"
pattern = 'corp_(?P<secret>[a-z0-9]{12})'
"""


def test_rules_of_a_file_are_applied_beside_those_of_this_program(tmp_path: Path) -> None:
    """The rules of `redact.toml` are added to the built-in ones; only `secret` is replaced."""
    (tmp_path / "redact.toml").write_text(RULE, encoding="utf-8")

    redactor = Redactor(journal_scanners(tmp_path), lambda: KEY)

    digits = KEY.hash("secret", "abcdef123456")[:6]
    assert redactor.text("corp_abcdef123456.") == f"corp_[redacted:corp-token:{digits}]."
    own, user = redactor.rules.split("+")
    assert own == own_rules().version
    assert user.startswith("redact.toml/")


def test_a_journal_without_a_file_has_the_rules_of_this_program(tmp_path: Path) -> None:
    """Without a `redact.toml` the built-in rules apply."""
    assert journal_scanners(tmp_path) == (own_rules(),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x = 1\nrule = 2x", "is no TOML: .*line 2"),
        ("rules = 1", "'rules' is unknown"),
        ("scanners = ['gitleaks']", "no scanner is called 'gitleaks'; there is 'kingfisher'"),
        ("scanners = 'kingfisher'", r"must be a list of names, such as \[\"kingfisher\"\], not"),
        ("[rule]\nkind = 'x'", r"\[\[rule\]\]"),
        ("rule = [1]", "rule 1 must be a table"),
        (RULE + "[[rule]]\nkind = 'Corp'\npattern = 'x'", "rule 2: kind must be"),
        ("[[rule]]\nkind = 'x'", r"rule 1 \(x\): pattern must be"),
        ("[[rule]]\nkind = 'x'\npattern = 'abc'\nflags = 1", "'flags' is unknown"),
        ("[[rule]]\nkind = 'x'\npattern = 'abc(d'", "wrong at character 4"),
        ("[[rule]]\nkind = 'x'\npattern = 'abc[a-z]+'", "can be slow: .*bound each repeat"),
        ("[[rule]]\nkind = 'x'\npattern = 'abc(?:[a-z]{1,9}){1,9}'", "possessive"),
        ("[[rule]]\nkind = 'x'\npattern = '(abc)\\1'", "refers back"),
        ("[[rule]]\nkind = 'x'\npattern = 'abc(?=.*d)'", "looks ahead"),
        ("[[rule]]\nkind = 'x'\npattern = '[A-Za-z0-9]{32}'", "no anchor"),
        ("[[rule]]\nkind = 'x'\npattern = 'ab[0-9]{9}'", "at least 3 characters"),
        (
            RULE + "[[ rule ]]\nkind = 'x'\npattern = 'abc[[x]'",
            r"redact.toml line 5: rule 2 \(x\): ",
        ),
        ("[[rule]]\nkind = 'x'\npattern = 'abc[[x]'", "has two meanings: .*at position 4; put"),
        ("[[rule]]\nkind = 'x'\npattern = 'abc[a||b]'", "has two meanings: .*union"),
        ("[[rule]]\nkind = 'x'\npattern = '(?:abc)?'", "matches an empty text"),
        ("[[rule]]\nkind = 'x'\npattern = 'abc(?P<secret>x{0,5})'", "'secret' can be empty, and"),
        ("[[rule]]\nkind = 'x'\npattern = 'abc(?:d(?P<secret>x|))?'", "'secret' can be empty, and"),
        ("[[rule]]\nkind = 'x'\npattern = 'abc(?=(?P<secret>))'", "'secret' can be empty, and"),
    ],
)
def test_a_wrong_rule_is_refused_by_name(tmp_path: Path, content: str, message: str) -> None:
    """The error names the file, the rule, the position and what to do."""
    path = tmp_path / "redact.toml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(RedactionError, match=message) as caught:
        journal_scanners(tmp_path)
    assert str(path) in str(caught.value)


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    """The error names the file."""
    path = tmp_path / "redact.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RedactionError, match=f"{path}: it is not UTF-8 in line"):
        journal_scanners(tmp_path)


def test_an_alternative_without_the_group_is_replaced_whole(tmp_path: Path) -> None:
    """If the group `secret` is no part of a match, the whole match is the secret."""
    path = tmp_path / "redact.toml"
    path.write_text("[[rule]]\nkind = 'x'\npattern = 'abc(?P<secret>[0-9]{3})|xyz[0-9]{3}'")

    text = Redactor(journal_scanners(tmp_path)[1:], lambda: KEY).text("abc123 XYZ123 xyz456")

    one, three = KEY.hash("secret", "123")[:6], KEY.hash("secret", "xyz456")[:6]
    assert text == f"abc[redacted:x:{one}] XYZ123 [redacted:x:{three}]"


@pytest.mark.slow
def test_kingfisher_is_a_scanner(tmp_path: Path) -> None:
    """A file of rules can ask for Kingfisher; its hits have offsets in characters."""
    pytest.importorskip("kingfisher_sdk")
    path = tmp_path / "redact.toml"
    path.write_text('scanners = ["kingfisher"]', encoding="utf-8")
    redactor = Redactor(journal_scanners(tmp_path)[1:], lambda: KEY)
    token = next(it for it in planted_secrets() if it.kind == "github-pat").secrets[0]

    text = redactor.text(f"北京 é {token} 京")

    assert MARK.sub("@", text) == "北京 é @ 京"
    assert text.split(":")[1] == "kf-github-pat"
    assert redactor.text(text) == text
    assert redactor.rules.startswith("kingfisher/")


@pytest.mark.slow
def test_many_hits_of_kingfisher_in_a_long_text_are_placed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their places are counted in one pass: text and hits grow together in a log of many tokens."""
    from journal.redact import kingfisher  # noqa: PLC0415

    text = "北京 é 𝄞 " * 50_000
    raw = text.encode()
    step = len("北京 é 𝄞 ".encode())
    offsets = [(at, at + 6) for at in range(0, len(raw), step)]
    locations = [{"start_offset": start, "end_offset": end} for start, end in offsets]
    hits = [SimpleNamespace(visible=True, location=it, rule_id="x.pair") for it in locations]
    scanner = SimpleNamespace(scan=lambda _raw: hits)
    monkeypatch.setattr(kingfisher, "_load", lambda: (scanner, "1"))
    found = list(kingfisher.Kingfisher().find(text))
    assert len(found) == 50_000
    assert {text[hit.start : hit.end] for hit in found} == {"北京"}


@pytest.mark.slow
def test_own_rules_and_kingfisher_find_more_together() -> None:
    """Both scanners run, and at one place the hit of the first one counts."""
    pytest.importorskip("kingfisher_sdk")
    from journal.redact.kingfisher import Kingfisher  # noqa: PLC0415 - an extra

    redactor = Redactor([own_rules(), Kingfisher()], lambda: KEY)

    for it in planted_secrets():
        data, redacted = redactor.redact("message.appended", {"role": "user", "content": it.text})
        assert redacted is not None
        assert not it.leaks(data["content"])


def test_without_the_extra_kingfisher_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the file that asks for it, and says how to install Kingfisher."""
    from journal.redact import kingfisher  # noqa: PLC0415

    monkeypatch.setitem(__import__("sys").modules, "kingfisher_sdk", None)
    kingfisher._load.cache_clear()
    path = tmp_path / "redact.toml"
    path.write_text('scanners = ["kingfisher"]', encoding="utf-8")

    with pytest.raises(RedactionError, match=r"agent-journal\[secrets\]'; or remove it") as caught:
        journal_scanners(tmp_path)
    assert str(caught.value).startswith(f"{path} has 'kingfisher' in scanners, and the scanner")
