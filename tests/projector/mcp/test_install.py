"""`projector mcp install`: nothing of a configuration is lost, and an undo leaves no trace."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from journal.agents.config.json_edit import JsonText
from projector.cli import cli
from projector.mcp.install import json_config, toml_config
from projector.mcp.install.entry import Server
from projector.mcp.install.programs import PROGRAMS

NAMES = [program.name for program in PROGRAMS]
_SERVER = Server(Path("/home/me/my journal"), "/usr/bin/python3")
_JSONC = """\
// my settings
{
  "theme": "dark", /* as I like it */
  "mcpServers": {
    // another server
    "other": { "command": "x", "args": ["a",], },
  },
  "last": [1, 2.50, 1e3]
}
"""
_TOML = """\
# my settings
model = "m-1"   # the best

[mcp_servers.other]
command = "x"

[mcp_servers.other.env]
KEY = '''
[mcp_servers.agent-journal]
'''

# the end
[profiles."a.b"]
list = [
  [1, 2],
]"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder in which every agent was started once."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME", "COPILOT_HOME"):
        monkeypatch.delenv(variable, raising=False)
    for folder in (".claude", ".codex", ".gemini", ".config/opencode", ".copilot"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def _run(*words: str, code: int = 0) -> Result:
    done = CliRunner().invoke(cli, ["--journal", "/home/me/agents", "mcp", "install", *words])
    assert done.exit_code == code, done.output
    return done


def _files(home: Path) -> dict[str, tuple[bytes, int]]:
    """Return content and permissions of each file, and each folder."""
    return {
        str(path.relative_to(home)): (
            path.read_bytes() if path.is_file() else b"",
            path.stat().st_mode,
        )
        for path in home.rglob("*")
    }


def _file(name: str) -> Path:
    return next(program for program in PROGRAMS if program.name == name).file


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("there", [True, False], ids=["there", "missing"])
def test_an_undo_leaves_no_trace(home: Path, name: str, there: bool) -> None:  # noqa: FBT001
    """With a configuration or without: install, install again, undo give every byte of before."""
    if there:
        _file(name).write_text(_TOML if name == "codex" else _JSONC)
        _file(name).chmod(0o640)
    before = _files(home)
    assert "would be written" in _run(name, "--dry-run").stderr
    assert _files(home) == before
    _run(name)
    after = _files(home)
    assert len([path for path in after if path.endswith("SKILL.md")]) == 1
    _run(name)
    assert _files(home) == after
    assert _run(name).stderr.count("nothing to do") == 2
    _run(name, "--undo", "--dry-run")
    assert _files(home) == after
    _run(name, "--undo")
    assert _files(home) == before
    _run(name, "--undo")
    assert _files(home) == before


def test_an_undo_says_which_skill_it_leaves(home: Path) -> None:
    """A skill that the user has changed stays, and the reason is given, also in JSON."""
    _run("codex")
    [skill] = home.rglob("SKILL.md")
    skill.write_text("mine")
    done = _run("codex", "--undo", "--json")
    [config, kept] = json.loads(done.stdout)["changes"]
    assert (config["action"], config["kept"], kept["action"]) == ("removed", "", "none")
    assert "it was changed" in kept["kept"]
    assert f"{skill}: left as it is: " in _run("codex", "--undo").stderr
    assert skill.read_text() == "mine"


def test_each_agent_gets_the_form_that_it_reads(home: Path) -> None:
    """The entry of each starts this program with the journal, in the keys that it documents."""
    words = ["-m", "projector", "--journal", "/home/me/agents", "mcp"]
    for name in NAMES:
        _run(name)
    claude = json.loads((home / ".claude.json").read_text())["mcpServers"]["agent-journal"]
    assert (claude["type"], claude["args"][:5]) == ("stdio", words)
    assert Path(claude["command"]).is_file()
    codex = tomllib.loads((home / ".codex/config.toml").read_text())
    assert codex["mcp_servers"]["agent-journal"]["args"][:5] == words
    gemini = json.loads((home / ".gemini/settings.json").read_text())
    assert gemini["mcpServers"]["agent-journal"]["args"][:5] == words
    opencode = json.loads((home / ".config/opencode/opencode.jsonc").read_text())
    assert opencode["mcp"]["agent-journal"]["command"][1:6] == words
    copilot = json.loads((home / ".copilot/mcp-config.json").read_text())
    assert copilot["mcpServers"]["agent-journal"]["tools"] == ["*"]


def test_version_2_of_opencode_gets_its_own_form(home: Path) -> None:
    """Where servers are a level deeper, the entry is put there; the .json file counts, too."""
    file = home / ".config/opencode/opencode.json"
    file.write_text('{"mcp": {"servers": {}}}\n')
    _run("opencode")
    assert list(json.loads(file.read_text())["mcp"]["servers"]) == ["agent-journal"]
    _run("opencode", "--undo")
    assert file.read_text() == '{"mcp": {"servers": {}}}\n'


def test_folders_that_variables_name_count(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`CODEX_HOME` and `CLAUDE_CONFIG_DIR` move the configuration and the skill."""
    for name, variable in (("codex", "CODEX_HOME"), ("claude-code", "CLAUDE_CONFIG_DIR")):
        (home / variable).mkdir()
        monkeypatch.setenv(variable, str(home / variable))
        _run(name)
        assert (home / variable / "skills/agent-journal/SKILL.md").is_file()
    assert (home / "CODEX_HOME/config.toml").is_file()
    assert (home / "CLAUDE_CONFIG_DIR/.claude.json").is_file()


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("claude-code", "{broken", "line 1"),
        ("claude-code", "[]", "it is no object"),
        ("claude-code", '{"mcpServers": []}', "mcpServers is no object"),
        ("claude-code", '{"mcpServers": {"agent-journal": {"command": "x"}}}', "not of this"),
        ("claude-code", "\udcff", "utf-8"),
        ("codex", "broken", "Expected"),
        ("codex", "mcp_servers = {}", "by hand"),
        ("codex", "mcp_servers = 3", "is no table"),
        ("codex", '[mcp_servers.agent-journal]\ncommand = "x"', "not of this"),
        ("codex", "\udcff", "utf-8"),
    ],
)
def test_what_cannot_be_edited_is_left_as_it_is(home: Path, name: str, text: str, why: str) -> None:
    """An invalid file, one of another form, and an entry of another's: an error, and no change."""
    _file(name).write_bytes(text.encode(errors="surrogateescape"))
    before = _files(home)
    assert why in _run(name, code=1).stderr
    assert _files(home) == before
    if "by hand" not in why:
        assert _run(name, "--undo", code=1).stderr
    assert _files(home) == before


def test_an_agent_that_was_never_started_gets_nothing(home: Path) -> None:
    """Without the folder of its program there is nothing to install to."""
    (home / ".codex").rmdir()
    assert "start codex once first" in _run("codex", code=1).stderr
    assert not (home / ".codex").exists()


def test_a_journal_that_is_not_there_is_said(home: Path) -> None:
    """The entry is written, with a warning that the server cannot start yet; an undo needs none."""
    said = "warning: there is no journal at /home/me/agents yet"
    assert said in _run("gemini").stderr
    assert said not in _run("gemini", "--undo").stderr
    (home / "there").mkdir()
    words = ["--journal", str(home / "there"), "mcp", "install", "gemini"]
    assert "warning" not in CliRunner().invoke(cli, words).stderr


def test_a_symbolic_link_stays_one(home: Path) -> None:
    """A configuration that is a link to another file is changed there."""
    real = home / "dotfiles.json"
    real.write_text(_JSONC)
    (home / ".claude.json").symlink_to(real)
    _run("claude-code")
    assert (home / ".claude.json").is_symlink()
    assert "agent-journal" in real.read_text()
    _run("claude-code", "--undo")
    assert real.read_text() == _JSONC


def test_an_older_entry_is_brought_up_to_date(home: Path) -> None:
    """Another interpreter or option replaces the entry, and the undo still leaves no trace."""
    for name in NAMES:
        before = _files(home)
        _run(name)
        _run(name, "--notes")
        assert "--notes" in _file(name).read_text()
        _run(name)
        assert "--notes" not in _file(name).read_text()
        _run(name, "--undo")
        assert _files(home) == before


def test_a_skill_that_the_user_wrote_is_left(home: Path) -> None:
    """A skill of this name without our last line is not replaced, and not removed."""
    skill = home / ".codex/skills/agent-journal/SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("mine")
    assert "is not of this program" in _run("codex", code=1).stderr
    assert not (home / ".codex/config.toml").exists()
    _run("codex", "--undo")
    assert skill.read_text() == "mine"


def test_what_was_done_is_printed_as_json(home: Path) -> None:
    """Each file, what was done to it, and the difference."""
    found = json.loads(_run("gemini", "--json").stdout)
    assert [change["action"] for change in found["changes"]] == ["written", "written"]
    assert found["changes"][0]["file"] == str(home / ".gemini/settings.json")
    assert "+" in found["changes"][0]["diff"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=4), below, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["a", "mcp", "mcpServers2", "é"]), _JSON, max_size=4),
    st.none() | st.dictionaries(st.text(max_size=4), _JSON, max_size=3),
    st.sampled_from([None, 0, 1, 2, "\t"]),
    st.sampled_from(["", "\n", " ", "\n// end\n"]),
)
def test_any_json_survives(
    rest: dict[str, Any], box: dict[str, Any] | None, indent: int | str | None, end: str
) -> None:
    """Whatever is in a configuration and however it is laid out, only the entry comes and goes."""
    value = rest | ({} if box is None else {"mcpServers": box})
    text = json.dumps(value, indent=indent) + end
    path, form = ("mcpServers",), PROGRAMS[0].form
    changed = json_config.added(text, path, form, _SERVER)
    assert json_config.added(changed, path, form, _SERVER) == changed
    assert json_config.removed(changed, path) == text


_KEY = st.sampled_from(["a", "b-c", '"d e"', "'f.g'", "model"])
_VALUE = st.sampled_from(
    ["1", '"x"', "'''\n[y]\n'''", "[\n  [1],\n  # z\n]", "{ q = 1 }", "2026-01-01", "true # why"]
)
_TABLES = ["other", "mcp_servers.x", "mcp_servers.agent-journal-2", "mcp_servers", "profiles"]


@given(
    st.dictionaries(_KEY, _VALUE, max_size=3),
    st.lists(
        st.tuples(st.sampled_from(_TABLES), st.dictionaries(_KEY, _VALUE, max_size=2)),
        max_size=3,
        unique_by=lambda table: table[0],
    ),
    st.sampled_from(["", "\n", "\n\n", "\n# end", "\n# end\n\n\n"]),
    st.booleans(),
)
def test_any_toml_survives(
    top: dict[str, str],
    tables: list[tuple[str, dict[str, str]]],
    end: str,
    dos: bool,  # noqa: FBT001
) -> None:
    """Comments, lists over several lines, quoted keys and line ends stay, and an undo is exact."""
    rows = [f"{key} = {value}" for key, value in top.items()]
    for name, keys in tables:
        rows += ["", f"[{name}]  # {name}", *(f"{key} = {value}" for key, value in keys.items())]
    text = "\n".join(rows) + end
    text = text.replace("\n", "\r\n") if dos else text
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # a table that is named after one below it
    changed = toml_config.added(text, _SERVER)
    found = tomllib.loads(changed)
    assert found["mcp_servers"].pop("agent-journal")["command"] == "/usr/bin/python3"
    assert found == ({"mcp_servers": {}} | value)
    assert toml_config.added(changed, _SERVER) == changed
    assert toml_config.removed(changed) == text
    below = "startup_timeout_sec = 5 # mine\n\n[mcp_servers.agent-journal.env]\nA = 'b'\n"
    more = f"{changed}{below}\n# mine\n[z]\n"
    with_notes = toml_config.added(more, replace(_SERVER, notes=True))
    assert with_notes == more.replace('"mcp"', '"mcp", "--notes"')
    assert toml_config.added(with_notes, _SERVER) == more
    assert "(startup_timeout_sec, env)" in toml_config.kept(more)
    assert toml_config.kept(changed) == ""


_CODEX = """\
[mcp_servers.agent-journal]  # theirs
enabled = false # mine
args = [
  "-m", 'projector', # words
  "--journal", "/old", "mcp", "--timeout", "9",
] # args
"command" = "/old/python" # command

[mcp_servers.agent-journal.env]
MY = "1"
# last
[mcp_servers.other]
command = "/old/python"
args = ["-m", "projector", "--journal", "/old", "mcp", "--timeout", "9"]
"""
_CLAUDE = """\
{
  "mcpServers": {
    "other": {"command": "/old/python", "args": ["-m", "projector", "--journal", "/old", "mcp"]},
    // mine
    "agent-journal": {
      "args": ["-m", "projector", "--journal", "/old", "mcp", "--timeout", "9"], // args
      "env": {"MY": "1"}, /* env */
      "timeout": 5,
      "command": "/old/python" // command
    } // last
  }
}
"""


@pytest.mark.parametrize(("name", "text"), [("codex", _CODEX), ("claude-code", _CLAUDE)])
@pytest.mark.usefixtures("home")
def test_what_the_user_wrote_into_the_entry_stays(name: str, text: str) -> None:
    """An update replaces two values, byte for byte nothing else; an undo leaves it all."""
    _file(name).write_text(text)
    _run(name, "--notes")
    new = _file(name).read_text()
    value = tomllib.loads(new) if name == "codex" else JsonText(new).value
    [servers] = value.values()
    args = servers["agent-journal"]["args"]
    assert args[3:] == ["/home/me/agents", "mcp", "--notes", "--timeout", "9"]
    assert servers["agent-journal"]["env"] == {"MY": "1"}
    command = servers["agent-journal"]["command"]
    if name == "codex":
        first, last = text.index("[\n"), text.index("] # args") + 1
    else:
        first = text.index("[", text.index('"agent-journal"'))
        last = text.index("]", first) + 1
    expected = text[:first] + json.dumps(args) + text[last:]
    key = '"command" = ' if name == "codex" else '"command": '
    for end in (" # command", " // command"):
        expected = expected.replace(f'{key}"/old/python"{end}', f'{key}"{command}"{end}')
    assert new == expected
    assert _run(name, "--notes").stderr.count("nothing to do") == 2
    done = _run(name, "--undo")
    assert "left as it is: the entry agent-journal was changed (" in done.stderr
    assert "env" in done.stderr
    assert _file(name).read_text() == new


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("home")
def test_an_undo_leaves_an_entry_with_something_of_the_user(name: str) -> None:
    """With a key, an argument or a comment of theirs the entry stays, and it says why."""
    _run(name)
    file = _file(name)
    own = file.read_text()
    added = '["a"]' if name == "codex" else '{"a": 1}'
    first = '"args": [' if '"args": [' in own else '"command": ['
    changed = {
        "a comment": own.replace(
            "command =" if name == "codex" else first,
            "# mine\ncommand =" if name == "codex" else f"// mine\n{first}",
        ),
        "mine": own + f"mine = {added}\n"
        if name == "codex"
        else own.replace(first, f'"mine": {added}, {first}'),
        "args" if name != "opencode" else "command": '"mcp", "--timeout", "3"'.join(
            own.rsplit('"mcp"', 1)
        ),
    }
    for why, text in changed.items():
        assert text != own
        file.write_text(text)
        done = json.loads(_run(name, "--undo", "--dry-run", "--json").stdout)
        [config, _] = done["changes"]
        assert config["action"] == "none"
        assert f"was changed ({why}" in config["kept"]
        assert file.read_text() == text
    file.write_text(own.replace('", "', '",\n"') if name == "codex" else own.replace("\n", "\n "))
    assert f"{file}: removed" in _run(name, "--undo").stderr, "blanks are nothing of the user"
