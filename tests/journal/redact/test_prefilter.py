"""The prefilter leaves out no rule that finds something."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING

import pytest

from journal.format.keyed_hash import Key
from journal.redact.escapes import Unescaped, has_escapes
from journal.redact.redactor import Redactor
from journal.redact.rule_set import find
from journal.redact.rules import RULES
from journal.redact.setup import own_rules
from tests.support.redaction.planted_secrets import planted_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.redact.scanner import Hit


_WIDE = {digit: digit - ord("0") + 0xFF10 for digit in b"0123456789"}


@pytest.mark.parametrize("seed", range(2))
def test_the_prefilter_names_each_rule_that_finds_something(seed: int) -> None:
    """A search with these rules finds what a search with all finds.

    Also with tabs for blanks, and with digits that are not ASCII.
    """
    draw = Random(seed)  # noqa: S311 - the same in each run
    texts = [it.text for it in planted_secrets(seed)]
    scanner = own_rules()
    for text in texts:
        cut = text + draw.choice(("", " ", "\n", '"')) + draw.choice(texts)[draw.randrange(9) :]
        for form in (
            text,
            cut,
            text.replace(" ", "\t"),
            text.translate(_WIDE),
            json.dumps(text),
            json.dumps(f'"{cut}"'),
        ):
            assert list(scanner.find(form)) == list(_found_by_all(form)), form


def _found_by_all(text: str) -> Iterator[Hit]:
    if has_escapes(text):
        meant = Unescaped(text)
        for hit in find(RULES, meant.text):
            yield hit._replace(start=meant.place(hit.start), end=meant.place(hit.end))
    yield from find(RULES, text)


@pytest.mark.parametrize(
    "text",
    [
        "DB_PASSWORD\t=\t{}",
        "tokens\t=\t['{}']",
        "Authorization:\tBearer\t{}",
        "bearer\t{}",
        "ngrok authtoken\t{}",
        'define(\t"DB_PASSWORD",\t"{}")',
        "Cookie\t:\tsession={}",
        "password : str\t= '{}'",
        "machine\ta.b\tlogin\tbob\tpassword\t{}",
    ],
)
def test_a_tab_is_a_blank(text: str) -> None:
    """Before and behind a sign, as in files whose values are below each other."""
    value = "q7XbT2mWz9LkR4vN8sJd"
    redactor = Redactor([own_rules()], lambda: Key(bytes(32)))
    assert value not in redactor.text(text.format(value))
