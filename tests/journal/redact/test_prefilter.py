"""The prefilter leaves out no rule that finds something."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING

import pytest

from journal.format.keyed_hash import Key
from journal.redact.escapes import Unescaped, has_escapes
from journal.redact.prefilter import Prefilter
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


def test_the_prefilter_passes_the_same_before_and_after_its_patterns_are_compiled() -> None:
    """Of planted secrets, and of pieces of them that some literals are in."""
    early, late = Prefilter(RULES), Prefilter(RULES)
    late.compile()
    draw = Random(3)  # noqa: S311 - the same in each run
    passed = 0
    for it in [*planted_secrets()][::3]:
        start = draw.randrange(len(it.text))
        for text in (it.text, it.text[start:], it.text[:start], it.text.replace("a", "\n")):
            raw = text.encode()
            # a compiled pattern also passes literals beside the one that it found
            few, more = early.passed(raw), late.passed(raw)
            assert set(few) <= set(more), text
            hits = list(find([RULES[at] for at in more], text))
            assert list(find([RULES[at] for at in few], text)) == hits, text
            passed += bool(hits)
            # the search that counts bytes compiles patterns one by one
            assert Prefilter(RULES)(raw) is early(raw) is late(raw), text
    assert passed > 100


def test_the_first_events_wait_for_no_patterns() -> None:
    """A program that appends a few events compiles none of all literals' patterns."""
    prefilter = Prefilter(RULES)
    for _ in range(20):
        assert not prefilter(b"one more line of a conversation " * 30)
    assert not any(pivot._pattern for _, pivots in prefilter._groups for pivot in pivots)


def test_the_patterns_are_compiled_one_by_one() -> None:
    """No search compiles more than its bytes ask for."""
    prefilter = Prefilter(RULES)
    pivots = [pivot for _, pivots in prefilter._groups for pivot in pivots]
    counts = []
    for _ in pivots:
        assert not prefilter(b" " * 32 * 1024)
        counts.append(sum(pivot._pattern is not None for pivot in pivots))
    assert counts == [*range(1, len(pivots) + 1)]
    assert prefilter._searches is not None


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
