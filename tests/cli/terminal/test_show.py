"""`projector show`: what is known of a session, how it continues, folded texts, and the pager."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from journal import Journal
from projector.cli import cli
from projector.cli.show.fold import fold
from projector.cli.show.resume import Resume, resume
from projector.views.sessions import SessionView
from tests.support.programs.terminal import on_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.programs.commands import Commands
    from tests.support.programs.terminal import Shown

T = 1_700_000_000_000_000
OUTPUT = "\n".join(f"line {number}" for number in range(200))
SAID = "\n".join(f"word {number}" for number in range(200))


@pytest.fixture
def journal(journal_dir: Path) -> Path:
    """A journal with a session that has long texts, a fork and a sub-agent."""
    with Journal.open(journal_dir) as journal:
        about = {
            "title": "Containers",
            "source": "claude-code",
            "model": "m-1",
            "cwd": str(journal_dir),
            "branch": "main",
            "commit": "0123456789abcdef",
        }
        journal.append(session="parent-1", type="session.created", data=about)
        journal.append_message("parent-1", "user", f"pasted\n{OUTPUT}", id="m1", timestamp=T)
        journal.append_message("parent-1", "tool", OUTPUT, id="m2", timestamp=T + 1)
        journal.append_message("parent-1", "assistant", SAID, id="m3", timestamp=T + 2)
        used = {"call": "c1", "input_tokens": 1200, "output_tokens": 34, "estimated_cost": 0.25}
        journal.append(session="parent-1", type="usage.added", data=used, id="u1")
        for name, relation in (("fork-1", "fork"), ("agent-1", "subagent")):
            below = {"parent": "parent-1", "relation": relation, "source": "claude-code"}
            journal.append(session=name, type="session.created", data=below)
            journal.append_message(name, "user", f"a {relation}", id=f"of-{name}")
    return journal_dir


def show(journal: Path, *arguments: str) -> str:
    """Run `projector show` with its output in a pipe."""
    result = CliRunner().invoke(cli, ["--journal", str(journal), "show", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def view(**fields: Any) -> SessionView:  # noqa: ANN401 - of each field its own type
    """Return a session with these fields, and no others."""
    empty = dict.fromkeys(SessionView.__dataclass_fields__)
    counts = {"session": "s-1", "messages": 0, "replays": 0, "tool_calls": 0, "preview": ""}
    return SessionView(**{**empty, **counts, "usage": {}, "extra": {}, **fields})


# what is known of a session


def test_the_header_has_what_is_known(journal: Path) -> None:
    """One line a fact: those that have a value, and the sessions above and below."""
    lines = show(journal, "parent-1").splitlines()
    header = lines[: lines.index("")]
    assert header[0] == "Containers"
    assert header[1:] == [
        "  session  parent-1",
        "  source   claude-code, m-1",
        f"  project  {journal} (main, 0123456789)",
        "  time     " + header[4].split("time     ")[1],
        "  holds    3 messages",
        "  tokens   1,200 input, 34 output",
        "  cost     $0.2500, as its source estimates",
        "  below    fork fork-1: a fork",
        "           subagent agent-1: a subagent",
        f"  resume   cd {journal} && claude --resume parent-1",
    ]
    below = show(journal, "agent-1")
    assert "\n  parent   parent-1 (subagent)\n" in below
    assert "a sub-agent cannot be resumed" in below


def test_json_has_the_children_and_the_command(journal: Path) -> None:
    """Whole ids, the command as it is typed, and the cost in millionths of a dollar."""
    shown = json.loads(show(journal, "parent-1", "--json"))
    assert shown["children"] == ["fork-1", "agent-1"]
    assert shown["resume"] == f"cd {journal} && claude --resume parent-1"
    assert (shown["cost"], shown["unpriced"]) == (250_000, [])
    below = json.loads(show(journal, "agent-1", "--json"))
    assert (below["resume"], below["cost"], below["unpriced"]) == (None, None, [])


# the command that continues a session


@pytest.mark.parametrize(
    ("source", "command"),
    [
        ("claude-code", "claude --resume s-1"),
        ("codex", "codex resume s-1"),
        ("copilot-cli", "copilot --resume=s-1"),
        ("factory", "droid --resume s-1"),
        ("gemini-cli", "gemini --resume s-1"),
        ("goose", "goose session --resume --session-id s-1"),
        ("kimi", "kimi --session s-1"),
        ("omp", "omp --resume s-1"),
        ("opencode", "opencode --session s-1"),
        ("qwen-code", "qwen --resume s-1"),
    ],
)
def test_each_source_has_its_own_command(tmp_path: Path, source: str, command: str) -> None:
    """In the folder of the session, if that is known."""
    assert resume(view(source=source, cwd=str(tmp_path))) == Resume(f"cd {tmp_path} && {command}")
    without = resume(view(source=source))
    assert without is not None
    assert without.command == command


def test_what_is_in_the_way_is_noted(tmp_path: Path) -> None:
    """A folder that is on another machine or gone, and one that must be found out."""
    gone = tmp_path / "gone"
    odd = resume(view(source="codex", cwd="-odd"))
    assert odd is not None
    assert odd.command == "cd -- -odd && codex resume s-1"
    assert resume(view(source="codex", cwd=str(gone))) == Resume(
        f"cd {gone} && codex resume s-1", f"there is no folder {gone} on this machine"
    )
    note = "run it in the folder of its project"
    assert resume(view(source="gemini-cli")) == Resume("gemini --resume s-1", note)
    assert resume(view(source="codex")) == Resume("codex resume s-1")


def test_a_session_that_its_program_has_no_more_can_be_restored(tmp_path: Path) -> None:
    """Where the journal can write its file again, the command for that is named."""
    note = "its program has it no more"
    assert resume(view(source="codex", cwd=str(tmp_path), gone=T)) == Resume(
        None, f"{note}: `journal restore s-1 --to FOLDER` writes its file again"
    )
    assert resume(view(source="kimi", cwd=str(tmp_path), gone=T)) == Resume(None, note)


def test_what_a_shell_would_take_for_more_is_quoted(tmp_path: Path) -> None:
    """Blanks, quotes and variables stay in one word; an id that is an option gives no command."""
    odd = tmp_path / "a 'b' $(c)"
    odd.mkdir()
    found = resume(view(source="claude-code", session="s; rm -rf ~", cwd=str(odd)))
    assert found is not None
    assert found.command is not None
    script = f'claude() {{ printf \'%s\n\' "$PWD" "$@"; }}; {found.command}'
    done = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == [str(odd), "--resume", "s; rm -rf ~"]
    assert resume(view(source="codex", session="--yolo")) is None
    assert resume(view(source="codex", session="a\x1bb")) is None


@pytest.mark.parametrize("source", [None, "openai", "cursor", "telegram", "aider"])
def test_a_source_without_such_a_command_has_none(source: str | None) -> None:
    """A command that is not documented is not made up."""
    assert resume(view(source=source)) is None


# folded texts


@given(st.text(st.sampled_from("ab\n北"), max_size=300), st.integers(0, 60))
def test_a_folded_text_has_its_ends(text: str, times: int) -> None:
    """Its beginning and its end are there, and what is left out is counted."""
    whole = text * times
    folded = fold(whole)
    if len(whole) <= 4_000 and whole.count("\n") < 24:
        assert folded is None
        return
    assert folded is not None
    assert whole.startswith(folded.head)
    assert whole.endswith(folded.tail)
    left = len(whole) - len(folded.head) - len(folded.tail)
    assert left > 0
    size = int(folded.hidden.split(", ", 1)[1].split()[0].replace(",", ""))
    middle = whole[len(folded.head) : len(whole) - len(folded.tail)]
    assert len(middle.encode()) - 2 <= size <= len(middle.encode())


@pytest.mark.slow
def test_long_texts_are_folded_on_a_terminal_only(commands: Commands, journal: Path) -> None:
    """Outputs of tools and pasted texts are; what an assistant says, and --full, are whole."""
    shown = terminal(commands, journal, "--no-pager").text
    assert shown.count("hidden; --full shows all") == 2
    assert "… 184 lines, 1,567 bytes hidden; --full shows all" in shown
    assert shown.count("line 0\n") == shown.count("line 199\n") == 2
    assert shown.count("line 100\n") == 0
    assert shown.count("word 100\n") == 1
    for whole in (
        terminal(commands, journal, "--no-pager", "--full").text,
        show(journal, "parent"),
    ):
        assert whole.count("line 100\n") == 2
        assert "hidden" not in whole


# the pager


def terminal(commands: Commands, journal: Path, *arguments: str, **variables: str) -> Shown:
    """Run `projector show` on a terminal."""
    argv = ["projector", "show", "parent-1", *arguments]
    return on_terminal(commands, argv, JOURNAL_DIR=str(journal), **variables)


def test_the_pager_gets_the_text_with_colours(
    commands: Commands, journal: Path, tmp_path: Path
) -> None:
    """PAGER may have arguments; NO_COLOR turns colours off there, too."""
    read = tmp_path / "read"
    pager = f"sh -c 'cat > {read}; echo the pager'"
    shown = terminal(commands, journal, PAGER=pager)
    assert shown == ("the pager\n", 0)
    assert "\x1b[1mContainers" in read.read_text()
    assert "--full shows all" in read.read_text()
    terminal(commands, journal, PAGER=pager, NO_COLOR="1")
    assert read.read_text().startswith("Containers\n")


def test_the_pager_gets_no_control_characters(
    commands: Commands, journal: Path, tmp_path: Path
) -> None:
    """What a message, a tool or a folder contains cannot command the terminal through it."""
    evil = "\x1b]0;OWNED\x07\x9b31m\u202e"
    with Journal.open(journal) as appended:
        appended.append_message("parent-1", "tool", evil + OUTPUT + evil, id="m9", tool_name=evil)
        about = {"title": evil, "cwd": f"/{evil}"}
        appended.append(session="parent-1", type="session.revised", data=about)
    read = tmp_path / "read"
    terminal(commands, journal, PAGER=f"sh -c 'cat > {read}'")
    shown = re.sub(r"\x1b\[(0|1|2|3\d)m", "", read.read_text())
    assert shown.count(r"\x1b]0;OWNED") == 5
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", shown)
    assert "--resume parent-1" in shown
    assert "cd /" not in shown


def test_less_ends_by_itself_if_all_fits(commands: Commands, journal: Path) -> None:
    """Its options are those of LESS, else that it ends then, and shows colours."""
    pager = "sh -c 'cat > /dev/null; echo $LESS'"
    assert terminal(commands, journal, PAGER=pager).text == "FRX\n"
    assert terminal(commands, journal, PAGER=pager, LESS="S").text == "S\n"


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (("--no-pager",), {"PAGER": "false"}),
        ((), {"PAGER": ""}),
        ((), {"PAGER": "cat"}),
        ((), {"PAGER": "false", "TERM": "dumb"}),
        (("--json",), {"PAGER": "false"}),
        (("--markdown",), {"PAGER": "false"}),
    ],
)
def test_there_is_no_pager(
    commands: Commands, journal: Path, arguments: tuple[str, ...], variables: dict[str, str]
) -> None:
    """None is started where none is wanted, and for output of another form."""
    shown = terminal(commands, journal, *arguments, **variables)
    assert "Containers" in shown.text
    assert shown.code == 0


def test_a_pager_that_is_missing_is_no_failure(commands: Commands, journal: Path) -> None:
    """The text is shown without it, after a warning that names it."""
    for pager in ("no-such-pager", "'unclosed"):
        shown = terminal(commands, journal, PAGER=pager)
        assert shown.text.startswith(f"warning: the pager {pager!r} cannot be started")
        assert "Containers" in shown.text
        assert shown.code == 0


@pytest.mark.slow
def test_a_pager_that_ends_early_ends_the_command(commands: Commands, journal: Path) -> None:
    """Without a message, however much is left to show."""
    with Journal.open(journal) as appended:
        for number in range(300):
            appended.append_message("parent-1", "assistant", "x" * 2_000, id=f"more-{number}")
    for pager, text in (("head -n 1", "Containers"), ("true", "")):
        shown = terminal(commands, journal, PAGER=pager, NO_COLOR="1")
        assert shown == (f"{text}\n" if text else "", 0)


@pytest.mark.parametrize(
    ("own", "shown"),
    [
        ([], "unknown: no price is known of nobodys-model"),
        ([("c2", 0.5)], "$0.5000+, no price is known of nobodys-model"),
    ],
)
def test_a_cost_that_is_not_known_is_not_0(
    journal_dir: Path, own: list[tuple[str, float]], shown: str
) -> None:
    """The model without a price is named, beside what is known."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "assistant", "hello", id="m1")
        used = {"call": "c1", "model": "nobodys-model", "input_tokens": 7}
        journal.append(session="s1", type="usage.added", data=used, id="u1")
        for call, cost in own:
            used = {"call": call, "model": "other", "output_tokens": 1, "actual_cost": cost}
            journal.append(session="s1", type="usage.added", data=used, id=call)
    assert f"  cost     {shown}\n" in show(journal_dir, "s1")
