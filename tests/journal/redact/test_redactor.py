"""Redaction of events: which values are changed, and what `redacted` says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from journal.format.keyed_hash import Key
from journal.format.new_event import Encoded
from journal.format.redacted import MARK, Redacted
from journal.redact.checks.runs import runs
from journal.redact.quick import LITERALS, may_redact
from journal.redact.redactor import Redactor
from journal.redact.rules import RULES
from journal.redact.setup import own_rules

if TYPE_CHECKING:
    from pathlib import Path

KEY = Key(bytes(range(32)))
TOKEN = "gh" + "p_" + "aB3" * 12
MARKED = f"[redacted:github-token:{KEY.hash('secret', TOKEN)[:6]}]"


def redact(type: str, data: dict[str, Any]) -> dict[str, Any]:
    """Redact data with the built-in rules."""
    return Redactor([own_rules()], lambda: KEY).redact(type, data)[0]


@pytest.mark.parametrize(
    ("type", "data"),
    [
        ("message.appended", {"role": "user", "content": TOKEN}),
        ("message.appended", {"role": "user", "content": [TOKEN, {"type": "text", "text": TOKEN}]}),
        ("message.appended", {"role": "assistant", "reasoning": f"The key {TOKEN} is old."}),
        ("message.appended", {"role": "user", "meta": TOKEN, "finish_reason": TOKEN}),
        ("session.created", {"branch": TOKEN}),
        ("message.appended", {"role": "tool", "extra": {"out": [{"err": TOKEN}]}}),
        ("message.revised", {"message": "m1", "content": TOKEN}),
        ("session.created", {"title": TOKEN, "system_prompt": TOKEN, "config": {"a": TOKEN}}),
        ("session.titled", {"title": TOKEN}),
        ("session.ended", {"reason": TOKEN, "extra": {"a": TOKEN}}),
        ("transcript.replaced", {"messages": [{"id": "m1", "role": "user", "content": TOKEN}]}),
        ("transcript.replaced", {"messages": [{"message": "m1", "extra": {"a": TOKEN}}]}),
        ("key.set", {"key": "deploy", "value": TOKEN}),
        ("key.set", {"key": "deploy", "value": {"with": [TOKEN]}}),
        ("tool.used", {"output": TOKEN, "nested": [[TOKEN]]}),
    ],
)
def test_strings_of_values_are_redacted(type: str, data: dict[str, Any]) -> None:
    """Content, reasoning, titles, prompts, `extra`, transcripts and values of keys are redacted."""
    assert redact(type, data) == json.loads(json.dumps(data).replace(TOKEN, MARKED))


@pytest.mark.parametrize(
    ("type", "data"),
    [
        ("message.appended", {"role": TOKEN, "source": TOKEN, "model": TOKEN}),
        ("message.appended", {"role": "tool", "tool_name": TOKEN, "tool_call_id": TOKEN}),
        ("message.appended", {"role": "user", "parent": TOKEN}),
        ("message.appended", {"role": "user", "content": [{"type": TOKEN, "signature": TOKEN}]}),
        ("message.appended", {"role": "user", "extra": {TOKEN: 1, "uuid": TOKEN, "ids": [TOKEN]}}),
        (
            "message.appended",
            {
                "role": "assistant",
                "tool_calls": [{"id": TOKEN, "function": {"name": TOKEN, "arguments": "{}"}}],
                "content": [{"type": "tool_use", "id": TOKEN, "name": TOKEN, "input": {}}],
            },
        ),
        ("message.revised", {"message": TOKEN}),
        ("message.removed", {"messages": [TOKEN]}),
        ("transcript.replaced", {"messages": [{"id": TOKEN, "role": "user"}]}),
        ("session.created", {"parent": TOKEN, "user": TOKEN}),
        ("key.set", {"key": TOKEN, "value": 1}),
        ("erasure.requested", {"key": "0", "reason": TOKEN}),
        ("tool.used", {"hash": TOKEN, "id": TOKEN}),
    ],
)
def test_names_and_hashes_are_not_redacted(type: str, data: dict[str, Any]) -> None:
    """Ids, roles, names, signatures, hashes and keys of objects never change."""
    assert redact(type, data) is data


def test_a_field_name_identifies_a_secret() -> None:
    """A value whose field is named as a password is redacted, in data and in a JSON string."""
    data = {"env": {"DB_PASSWORD": "Tr0ub4dor-3"}, "port": 5432}
    call = {"function": {"name": "run", "arguments": json.dumps(data)}}

    changed = redact("message.appended", {"role": "assistant", "tool_calls": [call]})

    arguments = json.loads(changed["tool_calls"][0]["function"]["arguments"])
    assert MARK.fullmatch(arguments["env"]["DB_PASSWORD"])
    assert arguments["port"] == 5432
    assert redact("x", data)["env"] == arguments["env"]


@pytest.mark.parametrize(
    "arguments",
    [
        '{"command":  "curl -H \\"Authorization: Bearer @@\\" x",\n "n": 1.50}',
        '{"text": "caf\\u00e9 @@ \\/ \\u0000", "@@": true}',
        '["@@", {"a": {"password": "x\\/Tr0ub4dor-3"}}]',
        '{"a": "@@", "a": "@@ again", "n": 12345678901234567890123}',
    ],
)
def test_the_arguments_of_a_tool_stay_json(arguments: str) -> None:
    """A secret in a JSON string is replaced, and the string is still JSON."""
    text = arguments.replace("@@", TOKEN)

    new = redact("x", {"arguments": text})["arguments"]

    json.loads(new)
    assert TOKEN not in new
    assert "Tr0ub4dor-3" not in new


@pytest.mark.parametrize(
    "text",
    [
        '{ "n": 1.50,  "s": "caf\\u00e9", "token": "@@" }',
        '{"s": "caf\\u00e9 @@ \\/ \\u0041\\t\\u6771\\u4eac \\ud83d\\ude00 \u6771 @@\\"\\\\"}',
        '["\\u6771@@\\u6771", "@@", "\\ud83d\\ude00@@"]',
        '{"a": "{\\"b\\": \\"\\\\u6771 @@ \\\\\\/\\"}"}',
    ],
)
def test_json_keeps_its_form(text: str) -> None:
    """Blanks, escapes and numbers of a JSON string stay as they were written, also beside marks.

    With other escapes the event would be a conflict with its original, where that was stored.
    """
    assert redact("x", {"arguments": text.replace("@@", TOKEN)}) == {
        "arguments": text.replace("@@", MARKED)
    }


def test_a_redacted_event_has_counts_and_the_hash_of_its_original() -> None:
    """It has counts by kind, the version of the rules, and the keyed hash of the original."""
    data = {"role": "user", "content": f"{TOKEN} {TOKEN} DB_PASSWORD=Tr0ub4dor-3\n"}

    _, redacted = Redactor([own_rules()], lambda: KEY).redact("message.appended", data)

    assert redacted is not None
    assert redacted.counts == {"github-token": 2, "password": 1}
    assert redacted.rules == own_rules().version
    assert (redacted.key, redacted.original) == (
        KEY.id,
        KEY.hash("original", ["message.appended", data]),
    )


def test_the_data_of_the_caller_is_not_changed() -> None:
    """Redaction copies only the objects in which something is redacted."""
    part = {"type": "text", "text": "nothing here"}
    data = {"role": "user", "content": [part, {"type": "text", "text": TOKEN}]}

    changed = redact("message.appended", data)

    assert data["content"] == [part, {"type": "text", "text": TOKEN}]
    assert changed["content"][0] is part


def test_the_key_is_created_at_the_first_secret() -> None:
    """A journal in which nothing is redacted gets no key."""

    def make() -> Key:
        raise AssertionError("no secret was found")

    redactor = Redactor([own_rules()], make)

    data = {"role": "user", "content": "my token is a password"}
    assert redactor.redact("message.appended", data) == (data, None)


@pytest.mark.parametrize("value", [float("nan"), {1: 2}, b"x", "\ud800", {1, 2}])
def test_values_that_no_record_can_hold_are_passed_to_the_writer(value: object) -> None:
    """Redaction does not raise on values that JSON cannot hold; the writer refuses them."""
    data = {"role": "user", "extra": {"a": value, "b": "text"}}

    assert redact("message.appended", data) == data


def test_deep_json_in_a_string_is_redacted_as_text() -> None:
    """A JSON string that is nested deeper than a record may be is redacted as plain text."""
    text = "[" * 600 + f'"{TOKEN}"' + "]" * 600

    assert redact("x", {"a": text}) == {"a": text.replace(TOKEN, MARKED)}


@pytest.mark.slow
def test_many_secrets_in_one_json_string_take_one_pass() -> None:
    """A long list of different secrets in a JSON string is redacted without a search for each."""
    tokens = ["gh" + "p_" + f"{n:036d}" for n in range(2_000)]

    new = redact("x", {"arguments": json.dumps({"tokens": tokens})})["arguments"]

    assert len(MARK.findall(new)) == 2_000


def test_json_in_a_text_keeps_its_form() -> None:
    """Also where only one of two equal strings is a secret, because of its name."""
    text = '{"note":"Tr0ub4dor-3",  "n":[1,  "\\u0041"], "password":"Tr0ub4dor-3"}'
    new = redact("message.appended", {"content": text})["content"]
    front = text.removesuffix('Tr0ub4dor-3"}')
    assert new.startswith(front)
    assert MARK.fullmatch(new.removeprefix(front).removesuffix('"}'))


def test_a_key_that_is_twice_in_json_hides_nothing() -> None:
    """A parser gives its last value; the first one could hold a secret that no rule saw."""
    text = '{"password":"hunter2-x", "password":"Tr0ub4dor-3"}'
    new = redact("message.appended", {"content": text})["content"]
    assert "hunter2" not in new
    assert "Tr0ub" not in new
    assert json.loads(new)


def test_a_transcript_of_another_form_is_read() -> None:
    """Another program may have written one without messages, or with others."""
    for data in ({}, {"messages": 7}, {"messages": ["m1", {"content": TOKEN}]}):
        found = redact("transcript.replaced", {**data, "reason": TOKEN})
        assert TOKEN not in json.dumps(found)


def test_what_was_redacted_before_is_kept() -> None:
    """A writer adds what its rules find to what was redacted in the event already."""
    before = Redacted("00000000", "1" * 32, "journal 1", {"password": 1})
    redactor = Redactor([own_rules()], lambda: KEY)
    found = redactor.redact_events(
        [
            ("s", "m1", "message.appended", {"content": TOKEN}, before, None),
            ("s", "m2", "message.appended", {"content": "nothing"}, before, None),
        ]
    )
    contents = [event[3]["content"] for event in found if not isinstance(event, Encoded)]
    assert contents == [MARKED, "nothing"]
    rules = f"{own_rules().version}+journal 1"
    counts = {"password": 1, "github-token": 1}
    assert [event[4] for event in found] == [Redacted(before.key, "1" * 32, rules, counts), before]


def test_the_first_look_misses_no_rule() -> None:
    """Every literal of a rule has one of the texts that are looked for, and none is unneeded.

    Tokens have many characters in a row, which are looked for; and an option has a telling name.
    """
    needed = {literal for rule in RULES if rule.guard is not runs for literal in rule.literals}
    assert all(any(text in literal for text in LITERALS) for literal in needed - {"--"})
    assert set(LITERALS) <= needed
    assert not [text for text in LITERALS if any(it != text and it in text for it in LITERALS)]


@pytest.mark.parametrize("name", ["password", "db-passwd", "pass", "pwd", "api-key", "secretkey"])
def test_the_first_look_sees_options(tmp_path: Path, name: str) -> None:
    """An option without a sign that assigns is seen by its name."""
    assert may_redact(tmp_path, f"tool --{name} Tr0ub4dor-3")


@pytest.mark.parametrize(
    ("text", "has_rules", "expected"),
    [("hello", False, False), ("A Bearer xyz", False, True), ("hello", True, True)],
)
def test_the_first_look_at_a_text(
    tmp_path: Path, text: str, *, has_rules: bool, expected: bool
) -> None:
    """A text without a literal needs no rules, unless the user has some."""
    if has_rules:
        (tmp_path / "redact.toml").touch()
    assert may_redact(tmp_path, text) is expected
