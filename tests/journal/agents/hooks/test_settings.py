"""Hooks go into settings and out of them again, and every other byte stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.agents.config.json_edit import JsonText
from journal.agents.hooks.entries import added, command_of, find, removed, state_of, updated
from journal.agents.hooks.programs import PROGRAMS, HookProgram

JOURNAL = Path("/home/a b/it's/journal")
CLAUDE = PROGRAMS[0]
COMMAND = command_of("/opt/my python/bin/python3", JOURNAL, CLAUDE)

COMMENTED = """\
{
  // which model
  "model": "opus", /* the large one */
  "hooks": {
    "Stop": [
      {"hooks": [{"type": "command", "command": "say done"}]}, // mine
    ],
    "PreToolUse": [], // nothing yet
  }, // the last one
}
"""
TEXTS = [
    '{\n  "model": "opus"\n}\n',
    '{"model":"opus","nested":{"hooks":[1,2]}}',
    '{\r\n\t"model": "opus",\r\n\t"list": [\r\n\t\t1\r\n\t]\r\n}\r\n',
    '\ufeff{\n    "hooks": {"Stop": [{"matcher": "", "hooks": []}]}\n}',
    '{\n  "a": "// no comment, \\"}",\n  "hooks": {}\n}',
    COMMENTED,
]


def spaceless(text: str) -> str:
    """Return a text without white space: an empty container may get another one inside."""
    return "".join(text.split())


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda it: it.format)
def test_to_take_hooks_out_again_gives_the_text_of_before(text: str, program: HookProgram) -> None:
    """Comments, commas, order, indentation and line ends stay, with one hook for each event."""
    command = command_of("/p", JOURNAL, program)
    new = added(text, command, program)
    before, after = JsonText(text).value, JsonText(new).value
    hooks = find(after, program, JOURNAL)
    assert state_of(hooks, command, program) == "same"
    assert [it.event for it in hooks] == sorted(program.events, key=[*after["hooks"]].index)
    assert {key: after[key] for key in before if key != "hooks"} == {
        key: before[key] for key in before if key != "hooks"
    }
    for event, groups in before.get("hooks", {}).items():
        assert after["hooks"][event][: len(groups)] == groups
    back = removed(new, program, JOURNAL)
    assert back is not None
    assert back == text or ("{}" in text and spaceless(back) == spaceless(text))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(), JSON, max_size=3),
    st.none() | st.dictionaries(st.sampled_from(("Stop", "SessionEnd", "x")), st.lists(JSON)),
    st.sampled_from((None, 1, 2, 4, "\t")),
    st.sampled_from(("ascii", "any")),
)
def test_any_settings_are_as_before_when_the_hooks_are_out(
    value: dict[str, object], hooks: object, indent: int | str | None, ascii: str
) -> None:
    """Whatever they hold and however they are written; only white space in `{}` may differ."""
    if hooks is not None:
        value = {**value, "hooks": hooks}
    elif not isinstance(value.get("hooks", {}), dict):
        return
    text = json.dumps(value, indent=indent, ensure_ascii=ascii == "ascii")
    new = added(text, COMMAND, CLAUDE)
    assert len(find(JsonText(new).value, CLAUDE, JOURNAL)) == len(CLAUDE.events)
    assert removed(new, CLAUDE, JOURNAL) == text


def test_what_the_user_adds_around_a_hook_stays() -> None:
    """Hooks of the user in our group, before and behind it, and comments, outlive an undo."""
    text = added(COMMENTED, COMMAND, CLAUDE)
    document = JsonText(text)
    mine = {"type": "command", "command": "echo mine"}
    stop = document.value["hooks"]["Stop"]
    document = document.with_item(("hooks", "Stop", len(stop) - 1, "hooks"), None, mine)
    document = document.with_item(("hooks", "Stop"), None, {"hooks": [mine]})
    document = document.with_item(("hooks", "SessionEnd"), None, {"hooks": [mine]})
    document = document.with_item((), "theme", "dark")
    edited = document.text.replace('"theme"', '// late\n  "theme"')
    back = removed(edited, CLAUDE, JOURNAL)
    assert back is not None
    assert "journal" not in back
    assert "// late" in back
    assert "// mine" in back
    found = JsonText(back).value
    assert [group["hooks"][0]["command"] for group in found["hooks"]["Stop"]] == [
        *("say done", "echo mine", "echo mine")
    ]
    assert found["hooks"]["SessionEnd"] == [{"hooks": [mine]}]
    assert "PreCompact" not in found["hooks"]
    assert found["theme"] == "dark"


def test_hooks_on_one_line_with_others_go_out_alone() -> None:
    """A line that is joined by the user keeps what is behind our hook, also behind a comment."""
    group = json.dumps({"hooks": [{"type": "command", "command": " ".join(COMMAND[:0])}]})
    ours = added("{}", COMMAND, CLAUDE)
    entry = json.dumps(JsonText(ours).value["hooks"]["Stop"][0])
    for text in (
        f'{{"hooks": {{"Stop": [{entry}, {group}]}}}}',
        f'{{"hooks": {{"Stop": [ // mine\n  {entry}, {group}]}}}}',
        f'{{"hooks": {{"Stop": [{group}, {entry}], "x": []}}}}',
    ):
        back = removed(text, CLAUDE, JOURNAL)
        assert back is not None
        assert JsonText(back).value["hooks"]["Stop"] == [json.loads(group)]


def test_an_empty_container_of_the_user_stays() -> None:
    """What was not made for our hooks is not taken out with them; what was made is."""
    text = '{\n  "hooks": {\n    "Stop": []\n  }\n}\n'
    assert removed(added(text, COMMAND, CLAUDE), CLAUDE, JOURNAL) == text
    assert removed(added('{"hooks": {}}', COMMAND, CLAUDE), CLAUDE, JOURNAL) == '{"hooks": {}}'
    assert removed(added("{}", COMMAND, CLAUDE), CLAUDE, JOURNAL) == "{}"


def test_a_file_that_was_made_for_hooks_goes_with_them() -> None:
    """Unless the user has put something else into it."""
    text = added(None, COMMAND, CLAUDE)
    assert removed(text, CLAUDE, JOURNAL) is None
    document = JsonText(text).with_item((), "model", "opus")
    assert JsonText(removed(document.text, CLAUDE, JOURNAL) or "").value == {"model": "opus"}


def test_hooks_of_others_are_not_ours() -> None:
    """Another journal's, another agent's, a command that only names the journal, a broken quote."""
    text = added("{}", COMMAND, CLAUDE)
    value = JsonText(text).value
    assert find(value, CLAUDE, Path("/other")) == []
    assert find(value, PROGRAMS[3], JOURNAL) == []
    own = value["hooks"]["Stop"][0]["hooks"][0]
    own["command"] = "journal import claude-code x"
    value["hooks"]["PreCompact"][0]["hooks"][0]["command"] = 'journal "'
    assert [it.event for it in find(value, CLAUDE, JOURNAL)] == ["SessionEnd"]


@pytest.mark.parametrize(
    "text", ["[]", '{"hooks": []}', '{"hooks": {"Stop": {}}}', '{"hooks": "x"}', "3"]
)
def test_settings_of_another_form_are_refused(text: str) -> None:
    """A hook would not fit into them."""
    with pytest.raises(ValueError, match="is no"):
        added(text, COMMAND, CLAUDE)
    assert removed(text, CLAUDE, JOURNAL) == text


def test_hooks_of_an_older_version_are_replaced() -> None:
    """Another interpreter, or an event that is missing."""
    older = added("{}", command_of("/old/python", JOURNAL, CLAUDE), CLAUDE)
    hooks = find(JsonText(older).value, CLAUDE, JOURNAL)
    assert state_of(hooks, COMMAND, CLAUDE) == "older"
    assert state_of(hooks[1:], hooks[0].command, CLAUDE) == "older"


def test_an_older_hook_keeps_what_the_user_wrote_into_it() -> None:
    """Only the command is replaced: a time limit, a matcher and comments stay, byte for byte."""
    older = added(COMMENTED, command_of("/old/python", JOURNAL, CLAUDE), CLAUDE)
    limit = f'"timeout": {CLAUDE.timeout}'
    mine = older.replace(limit, '"timeout": 77, /* slow */ "matcher": "*"')
    changed = updated(mine, COMMAND, CLAUDE, JOURNAL)
    assert changed == mine.replace("/old/python", "'/opt/my python/bin/python3'")
    assert state_of(find(JsonText(changed).value, CLAUDE, JOURNAL), COMMAND, CLAUDE) == "same"
    # where one of several hooks is missing, all are made again
    without = older.replace("/old/python", "/old/python -c", 1)
    assert updated(without, COMMAND, CLAUDE, JOURNAL) is None
