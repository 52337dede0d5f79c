"""Output of commands never controls a terminal, and one message never looks like two."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal import Journal
from journal.cli.kit.clean import clean, json_line, one_line
from journal.cli.kit.times import format_local_time, format_time
from projector.cli.kit.render import code_span, fenced, no_markdown
from tests.support.programs.commands import Command
from tests.support.programs.terminal import on_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.programs.commands import Commands

    Run = Callable[..., str]

BIN = Path(sys.executable).parent
OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
EVIL = "\x1b]0;OWNED\x07\x9b31m\u202egnp\u2028\x7f\r"

texts = st.text(st.characters(exclude_categories=[]))  # surrogates, too


# the pure functions


@given(texts)
def test_a_cleaned_text_has_no_control_characters(text: str) -> None:
    """Every unsafe character is escaped; in a single line, so are tabs and newlines."""
    assert not OBEYED.search(clean(text))
    assert not OBEYED.search(one_line(text))
    assert not set(one_line(text)) & {"\t", "\n"}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "plain",
            "a\tb\nc",
            "北京",
            "\u0645\u06cc\u200c\u062e",
            "👩\u200d💻",
            "\u00a0é",
            "\U00020000",
        ),
        "❤\ufe0f\u200d🔥 🏳\ufe0f\u200d🌈 👩🏽\u200d🚀 🧔\u200d♂\ufe0f ☎\ufe0e",
        "1\ufe0f\u20e3 #\ufe0f\u20e3 ©\ufe0f ‼\ufe0f ↔\ufe0f",
        "\u0915\u094d\u200d \u0d28\u0d4d\u200d\n\u0915\u094d\u200c\u0937",
    ],
)
def test_ordinary_text_is_not_changed(text: str) -> None:
    """Tabs, newlines, every script, and the joiners that some scripts need are kept."""
    assert clean(text) == text


IGNORED = [
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b\u180f\u200b\u2060\u2064\u2065\u206f\u2800\u3164",
    "\ufe00\ufe0e\ufe0f\ufeff\uffa0\ufff0\ufffb\ue000\uf8ff\U000f0000\U0010fffd",
    "\U0001bca0\U0001d173\U000e0000\U000e0041\U000e0100\U000e01ef\U000e0fff",
]
"""Some of what Unicode calls ignorable by default, and of other characters without a shape."""


@pytest.mark.parametrize("character", "".join(IGNORED))
def test_what_cannot_be_seen_is_escaped(character: str) -> None:
    """Behind a letter, and alone, in a text, a line and JSON, from which it is read back."""
    for text in (f"a{character}b", character, f"{character}🎉", f"\u2800{character}"):
        assert character not in clean(text)
        assert character not in one_line(text)
        assert character not in json_line(text)
        assert json.loads(json_line(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "a\u200db",
        "👩\u200d",
        "👩\u200d\u200d💻",
        "م\u200c\u200cم",
        "👩\u200da",
        "\u200d💻",
        "a\ufe0f",
    ],
)
def test_a_joiner_that_joins_nothing_is_escaped(text: str) -> None:
    """Between letters that need none, behind or before nothing, and several at a time."""
    assert re.search(r"\\u(200[cd]|fe0f)", clean(text))
    assert json.loads(json_line(text)) == text


@given(
    st.text(st.sampled_from("a\u0645👩🏽❤\u200c\u200d\ufe0e\ufe0f\u094d\u0915\ue000\U000e0101 "))
)
def test_to_clean_twice_is_to_clean_once(text: str) -> None:
    """What is left is left again, and two characters in a row are never both invisible twice."""
    found = clean(text)
    assert clean(found) == found
    assert not re.search("[\u200c\u200d]{2}|[\ufe0e\ufe0f]{2}", found)


def test_escapes_are_readable() -> None:
    """Escapes are those of Python and JSON; Windows line ends are line ends."""
    assert clean("a\x1b\x9b\u202e\ud83d\U000e0041\r\nb\rc") == (
        r"a\x1b\x9b\u202e\ud83d\U000e0041" + "\nb\\rc"
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | texts,
    lambda below: st.lists(below) | st.dictionaries(texts, below),
)


@given(json_values, st.booleans())
def test_json_is_harmless_and_exact(value: object, indent: bool) -> None:  # noqa: FBT001 - drawn
    """Unsafe characters are escaped as in JSON, and the value is read back unchanged."""
    line = json_line(value, indent=indent)
    assert not OBEYED.search(line)
    # two surrogates that were given separately are one character, as in every JSON
    expected = json.loads(json.dumps(value))
    assert json.loads(line) == expected


@pytest.mark.parametrize("depth", [254, 260, 1023])
def test_json_has_any_nesting_that_can_be_read(depth: int) -> None:
    """A value that another program nested deeper than this one does can be printed."""
    value: object = 1
    for _ in range(depth):
        value = {"a": value}
    assert json_line(value) == '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize("moment", [2**60, -(2**60), 2**53 - 1, 253_402_300_800_000_000])
def test_a_time_without_a_date_is_a_number(moment: int) -> None:
    """A year after 9999 cannot be written as a date, so the time is printed as a number."""
    for shown in (format_time(moment), format_local_time(moment, "minutes")):
        assert str(moment) in shown or re.fullmatch(r"\d{4}-\d\d-\d\d .*", shown)


@given(st.text(st.sampled_from("`~ab \n")))
def test_a_text_cannot_close_its_fence(text: str) -> None:
    """A fence is longer than every run of its mark in the text."""
    first, *within, last = fenced(text).split("\n")
    assert set(first) == {"`"}
    assert first == last
    assert not any(line.lstrip(" ").startswith(first) for line in within)


@given(st.text(st.sampled_from("`ab "), min_size=1))
def test_a_text_cannot_end_its_code_span(text: str) -> None:
    """Its marks are longer than every run of them within."""
    found = re.fullmatch(r"(`+)([^`]|[^`].*[^`])\1", code_span(text))
    assert found is not None
    assert found[1] not in found[2]


def test_a_name_is_escaped_in_markdown() -> None:
    """Marks of Markdown and HTML in a title or role are escaped; words are not changed."""
    assert no_markdown("A bug in a-b.py") == "A bug in a-b.py"
    assert no_markdown("<b>*x* [a](b) `c`") == r"\<b\>\*x\* \[a\](b) \`c\`"


# whole commands


@pytest.fixture
def hostile(journal_dir: Path) -> Path:
    """A journal in which every text that may be hostile is hostile."""
    call = [{"id": "c", "type": "function", "function": {"name": f"f{EVIL}", "arguments": "{}"}}]
    with Journal.open(journal_dir) as journal:
        # ids, sessions and types must not contain C0, but may contain C1 and bidi controls
        odd = "x\x9b31m\u202e"
        journal.append(
            session=f"s{odd}",
            type="session.created",
            data=dict.fromkeys(("title", "source", "model", "cwd", "parent"), f"t\n{EVIL}"),
        )
        journal.append_message(
            f"s{odd}",
            f"user{EVIL}",
            f"needle {EVIL}",
            id=f"m{odd}",
            tool_name=f"bash\n{EVIL}",
            source=f"src{EVIL}",
            reasoning=EVIL,
            tool_calls=call,
        )
        journal.append_message(f"s{odd}", "user", [EVIL, {"type": EVIL, "a": EVIL}], id="m2")
        journal.append_message("other", "user", f"needle {EVIL}", id="o1")
        journal.append(session="other", id="o2", type=f"odd{odd}", data={EVIL: EVIL})
    return journal_dir


COMMANDS = [
    ["journal", "cat"],
    ["journal", "status"],
    ["journal", "status", "--json"],
    ["journal", "verify"],
    ["journal", "append", "--session", "other", "--role", "user", "--id", "a\x9b31m", "x"],
    ["journal", "append", "--session", "a\x1b[31m", "--role", "user", "x"],
    ["journal", "import", "auto", "/no/\x1b]0;x\x07"],
    ["journal", f"no{EVIL[:9]}"],
    ["journal", "export", f"no{EVIL[:9]}", "x"],
    ["journal", "append", "a", f"b{EVIL[:9]}", f"c{EVIL[:9]}"],
    ["projector", "sessions"],
    ["projector", "sessions", "--json"],
    ["projector", "search", "needle", "--context", "1"],
    ["projector", "search", "needle", "--json"],
    ["projector", "search", "needle", "--since", f"x{EVIL[:9]}"],
    ["projector", "search", "\x1b]0;x\x07"],
    ["projector", "show", "sx"],
    ["projector", "show", "sx", "--markdown"],
    ["projector", "show", "sx", "--json"],
    ["projector", "show", "nobody\x1b[31m\x9b"],
    ["projector", "show", "\udcff"],
    ["projector", "verify"],
    ["projector", "status"],
]


@pytest.fixture
def run(commands: Commands, tmp_path: Path) -> Run:
    """Run a command; return all its output, without the colours that it may use."""

    def run(argv: list[str], journal: Path, *, terminal: bool = False) -> str:
        variables = {"JOURNAL_DIR": str(journal), "PYTHONUTF8": "1"}
        if not terminal:
            file = tmp_path / "written"
            commands.run(Command(argv, str(file), str(file), os.environ | variables))
            return file.read_bytes().decode()
        shown = on_terminal(commands, argv, PAGER="cat", **variables).text
        return re.sub(r"\x1b\[(0|1|2|3\d)m", "", shown)

    return run


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command)[:30])
def test_no_command_writes_control_characters(run: Run, hostile: Path, command: list[str]) -> None:
    """This holds for files and terminals, for data, errors and refused arguments."""
    for terminal in (False, True):
        shown = run(command, hostile, terminal=terminal)
        assert shown
        assert not OBEYED.search(shown), shown
        assert "Traceback" not in shown


def test_a_warning_is_cleaned(run: Run, tmp_path: Path) -> None:
    """A warning that is logged during a command contains paths, which may be hostile."""
    path = tmp_path / "j\x1b]0;x\x07"
    with Journal.open(path) as journal:
        journal.append_message("s", "user", "needle", id="m1")
    assert "needle" in run(["projector", "search", "needle"], path)
    (database,) = (path / "projection").glob("*.db")
    database.write_bytes(b"no database at all" * 1000)
    shown = run(["projector", "search", "needle"], path)
    assert "rebuilding the projection" in shown
    assert "needle" in shown
    assert not OBEYED.search(shown)


def test_a_traceback_is_cleaned(tmp_path: Path) -> None:
    """A traceback of this program, or of another package's exporter, is printed and harmless."""
    code = (
        "import click\nfrom journal.cli import cli\n"
        "@cli.command('boom')\ndef boom():\n"
        "    print('\\x1b]0;x\\x07 printed')\n    raise RuntimeError('\\x1b]0;x\\x07')\n"
        "cli(prog_name='journal')"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, "boom"],
        env=os.environ | {"JOURNAL_DIR": str(tmp_path)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert b"\\x1b]0;x\\x07 printed" in found.stdout
    assert b"RuntimeError" in found.stderr
    assert b"\x1b" not in found.stdout + found.stderr


def test_characters_outside_of_the_locale_are_escaped(journal_dir: Path) -> None:
    """Characters that a Latin-1 terminal lacks are escaped."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "needle 北京", id="m1")
    found = subprocess.run(
        [BIN / "projector", "--journal", journal_dir, "show", "s"],
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (found.returncode, found.stderr) == (0, b"")
    assert rb"needle \u5317\u4eac" in found.stdout


# one message looks like one message


FORGED = (
    "harmless\n\n```\n</blockquote>\n# assistant\n\n## assistant, 2026-01-01 00:00:00+00:00\n\n"
    "assistant  2026-01-01 00:00:00\nsudo rm -rf /\n\r\nuser  2026-01-01 00:00:00\x0bx\n````\n~~~\n"
)


@pytest.mark.parametrize("where", ["content", "reasoning", "tool_name", "role", "title"])
def test_a_message_cannot_look_like_two(run: Run, journal_dir: Path, where: str) -> None:
    """There are as many headings as messages, whatever a field contains."""
    fields = {"role": "user", "content": "x"} | {where: FORGED}
    title = fields.pop("title", "t")
    with Journal.open(journal_dir) as journal:
        journal.append(session="s", type="session.created", data={"title": title})
        journal.append(session="s", id="m1", type="message.appended", data=fields)
    plain = run(["projector", "show", "s"], journal_dir).splitlines()
    # the title, and one line for the message
    assert sum(bool(line) and not line.startswith("  ") for line in plain) == 2
    lines = run(["projector", "show", "s", "--markdown"], journal_dir).splitlines()
    headings, fence = [], ""
    for line in lines:  # CommonMark ends a fence with one that is as long
        if fence:
            fence = "" if line.strip() and set(line.strip()) == {"`"} and line >= fence else fence
        elif line.startswith("```"):
            fence = line
        elif line.startswith("#"):
            headings.append(line)
    assert len(headings) == 2
    assert fence == ""


@pytest.mark.parametrize(
    "arguments", ['{"a":"\\ud83d"}', "[" * 200_000, "1" * 5_000, '{"a":' * 900 + "1" + "}" * 900]
)
def test_odd_arguments_of_a_tool_are_printed(run: Run, journal_dir: Path, arguments: str) -> None:
    """Arguments that are JSON with a lone surrogate, or no JSON, are printed."""
    call = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}]
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "assistant", "before", id="m1", tool_calls=call)
        journal.append_message("s", "assistant", "behind", id="m2")
    for more in ([], ["--markdown"], ["--json"]):
        shown = run(["projector", "show", "s", *more], journal_dir)
        assert "behind" in shown, shown[-300:]
        assert "Error" not in shown
        assert "Traceback" not in shown


def test_results_within_results_are_printed(run: Run, journal_dir: Path) -> None:
    """Parts that are nested as deep as an event may be are printed."""
    part: dict[str, object] = {"type": "text", "text": "innermost"}
    for _ in range(80):
        part = {"type": "tool_result", "content": [part]}
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "tool", [part], id="m1")
    assert "innermost" in run(["projector", "show", "s"], journal_dir)


# rules for the linter


@pytest.mark.parametrize(
    "line",
    [
        "import click\nclick.echo('x')",
        "import click as c\nc.echo('x')",
        "from click import echo\necho('x')",
        "from click.utils import echo\necho('x')",
        "import click\nclick.secho('x')",
        "import click\nclick.style('x')",
        "print('x')",
        "import sys\nsys.stdout.write('x')",
        "import sys\nsys.stderr.buffer.write(b'x')",
        "from sys import stderr\nstderr.write('x')",
        "from rich.console import Console\nConsole().print('x')",
        "import rich\nrich.print('x')",
        "from rich.progress import track\ntrack([])",
        "from rich.logging import RichHandler\nRichHandler()",
        "import logging\nlogging.basicConfig()",
        "import logging\nlogging.getLogger().addHandler(logging.StreamHandler())",
        "import warnings\nwarnings.warn('x')",
        "import traceback\ntraceback.print_exc()",
    ],
)
@pytest.mark.parametrize("file", ["journal/cli/new.py", "projector/cli/new.py", "journal/new.py"])
def test_the_linter_refuses_output_by_other_modules(line: str, file: str) -> None:
    """A new module that writes to a stream itself fails `make lint`."""
    found = subprocess.run(
        [BIN / "ruff", "check", "--output-format", "concise", "--stdin-filename", file, "-"],
        input=line,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
        timeout=60,
    )
    assert re.search(r"TID251|T201", found.stdout), found.stdout + found.stderr


def test_ids_are_acknowledged_exactly(journal_dir: Path) -> None:
    """An acknowledged id is printed unchanged, with its spaces."""
    found = subprocess.run(
        [BIN / "journal", "--journal", journal_dir, "append", "--jsonl", "--ack"],
        input='{"session":"s","role":"user","id":" m1 "}\n',
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert found.stdout == " m1 \n"
