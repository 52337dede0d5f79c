"""`journal export`: exporters are found by name, and the target appears complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from journal.cli import cli
from journal.errors import ExportFailed
from journal.fs.key_file import own_key
from journal.writer import Journal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from click.testing import Result


Redact = Callable[[str], str] | None


def write(
    journal: Path,
    file: Path,
    target: Path,
    *,
    redact: Redact = None,  # noqa: ARG001 - each exporter has it
) -> Mapping[str, int]:
    """Export the name of the target."""
    assert (journal / "journal.json").exists()
    assert file.parent == target.parent
    file.write_text(target.name)
    return {"names": 1234}


def fail(
    _journal: Path,
    file: Path,
    _target: Path,
    *,
    redact: Redact = None,  # noqa: ARG001 - each exporter has it
) -> Mapping[str, int]:
    """Fail after half of the export."""
    file.write_text("half")
    raise ExportFailed("the disk is full")


def race(
    _journal: Path,
    _file: Path,
    target: Path,
    *,
    redact: Redact = None,  # noqa: ARG001 - each exporter has it
) -> Mapping[str, int]:
    """Create the target during the export, as another program could."""
    target.write_text("somebody else's")
    return {}


def no_counts(
    _journal: Path,
    file: Path,
    _target: Path,
    *,
    redact: Redact = None,  # noqa: ARG001 - each exporter has it
) -> None:
    """Return no counts."""
    file.write_text("whole")


def plain(_journal: Path, file: Path, _target: Path) -> Mapping[str, int]:
    """Export like an exporter without a parameter for redaction."""
    file.write_text(SECRET)
    return {}


def secret(
    _journal: Path, file: Path, _target: Path, *, redact: Redact = None
) -> Mapping[str, int]:
    """Export a secret."""
    file.write_text(SECRET if redact is None else redact(SECRET))
    return {}


NUMBER = 7
SECRET = f"the key is AKIA{'Q7' * 8}"
_NAMES = ("write", "fail", "race", "no_counts", "plain", "secret")


@pytest.fixture(autouse=True)
def exporters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install some exporters."""
    values = {name: f"{__name__}:{name}" for name in _NAMES}
    values |= {"number": f"{__name__}:NUMBER", "malformed": ":::"}
    found = EntryPoints(
        EntryPoint(name, value, "journal.exporters") for name, value in values.items()
    )
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: found.select(group=group))


@pytest.fixture
def run(journal_dir: Path) -> Callable[..., Result]:
    """Run `journal export ...` on a journal."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello")

    def run(*arguments: object) -> Result:
        command = ["--journal", str(journal_dir), "export", *map(str, arguments)]
        return CliRunner().invoke(cli, command)

    return run


def test_a_file_appears_when_it_is_complete(run: Callable[..., Result], tmp_path: Path) -> None:
    """Only its owner can read it, and no temporary file stays; counts are on stderr."""
    out = tmp_path / "out"
    out.mkdir()
    result = run("write", out / "file")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "names: 1,234\n")
    assert os.listdir(out) == ["file"]
    assert (out / "file").read_text() == "file"
    assert (out / "file").stat().st_mode & 0o777 == 0o600


def test_an_export_that_fails_leaves_nothing(run: Callable[..., Result], tmp_path: Path) -> None:
    """The reason is on stderr, and no file is left."""
    out = tmp_path / "out"
    out.mkdir()
    result = run("fail", out / "file")
    assert (result.exit_code, result.stderr) == (1, "Error: the disk is full\n")
    assert os.listdir(out) == []


@pytest.mark.parametrize("link", [False, True])
def test_an_existing_file_is_not_overwritten(
    run: Callable[..., Result], tmp_path: Path, *, link: bool
) -> None:
    """An existing file or a dangling link is not changed."""
    out = tmp_path / "file"
    if link:
        out.symlink_to("nowhere")
    else:
        out.write_text("mine")
    result = run("write", out)
    assert result.exit_code == 1
    assert "exists" in result.stderr
    assert out.is_symlink() if link else out.read_text() == "mine"


def test_a_file_that_appears_during_the_export_is_not_overwritten(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    """Of two exports to one file, the second raises an error."""
    result = run("race", tmp_path / "file")
    assert result.exit_code == 1
    assert "was made meanwhile by another program" in result.stderr
    assert (tmp_path / "file").read_text() == "somebody else's"


def test_a_file_system_without_hard_links_is_supported(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without hard links the file is renamed; an existing file is not overwritten either."""

    def refuse(self: Path, _target: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(self))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert run("write", tmp_path / "file").exit_code == 0
    assert (tmp_path / "file").read_text() == "file"
    assert run("race", tmp_path / "other").exit_code == 1
    assert (tmp_path / "other").read_text() == "somebody else's"


def test_a_missing_folder_is_an_error(run: Callable[..., Result], tmp_path: Path) -> None:
    """A missing folder is an error that names it, and is not created."""
    result = run("write", tmp_path / "none" / "file")
    assert result.exit_code == 1
    assert f"cannot write in {tmp_path / 'none'}: No such file or directory" in result.stderr


def test_a_format_that_is_not_installed_is_wrong_usage(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    """The error names the installed formats."""
    result = run("other", tmp_path / "file")
    assert result.exit_code == 2
    assert (
        "'other' is not an installed format"
        " (installed: fail, malformed, no_counts, number, plain, race, secret, write)"
        in " ".join(result.stderr.split())
    )


def test_installed_formats_are_listed(run: Callable[..., Result]) -> None:
    """Each has its package; the command needs no target for that."""
    result = run("--list")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == f"fail\t{__name__}:fail"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("number", "its type is int, not a function"),
        ("malformed", "its value must have the form 'module:name'"),
        ("no_counts", "it returned a NoneType, not a mapping of counts"),
    ],
)
def test_an_invalid_exporter_is_an_error(
    run: Callable[..., Result], tmp_path: Path, name: str, why: str
) -> None:
    """The error names the entry point and the reason, and no file is written."""
    result = run(name, tmp_path / "file")
    assert result.exit_code == 1
    assert f"the plug-in '{name}' (" in result.stderr
    assert f"cannot be used: {why};" in result.stderr
    assert not (tmp_path / "file").exists()


def test_another_package_cannot_replace_an_exporter_of_this_project(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The project's own exporter is used, whatever the import path; the other one is reported."""
    own = "projector.adapters.hermes.export.state_db:export"
    points = [
        EntryPoint("hermes", value, "journal.exporters") for value in (f"{__name__}:write", own)
    ]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points if group else [])
    result = run("hermes", tmp_path / "state.db")
    assert result.exit_code == 0
    assert (tmp_path / "state.db").read_bytes().startswith(b"SQLite format 3")
    warning = (
        f"warning: the plug-in 'hermes' ({__name__}:write) cannot be used: {own} has the same name"
    )
    assert warning in result.stderr
    listed = run("--list")
    assert listed.stdout == f"hermes\t{own}\n"
    assert warning in listed.stderr


def test_the_projects_own_exporter_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """`hermes` is found although `journal` imports nothing of the read side."""
    monkeypatch.undo()
    result = CliRunner().invoke(cli, ["export", "--list"])
    assert "hermes\tprojector.adapters.hermes.export.state_db:export" in result.stdout.splitlines()


def test_a_journal_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """The exit code is that of every command."""
    arguments = ["--journal", str(tmp_path / "none"), "export", "write", str(tmp_path / "file")]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 3
    assert os.listdir(tmp_path) == []


def test_an_export_redacts_unless_redaction_is_off(
    run: Callable[..., Result], tmp_path: Path, journal_dir: Path
) -> None:
    """The exporter gets what redacts by the rules of today; the journal gets no key by this."""
    assert run("secret", tmp_path / "out").exit_code == 0
    assert (tmp_path / "out").read_text().startswith("the key is [redacted:")
    assert run("secret", tmp_path / "all", "--no-redact").exit_code == 0
    assert (tmp_path / "all").read_text() == SECRET
    assert not (journal_dir / "key").exists()


def test_the_digits_of_an_export_are_those_of_the_journal(
    run: Callable[..., Result], tmp_path: Path, journal_dir: Path
) -> None:
    """Where the journal has a key, one secret has one mark, in the journal and in exports."""
    key = own_key(journal_dir)
    assert run("secret", tmp_path / "out").exit_code == 0
    assert key.hash("secret", SECRET.rsplit(maxsplit=1)[-1])[:6] in (tmp_path / "out").read_text()


def test_an_exporter_that_plain_is_refused(run: Callable[..., Result], tmp_path: Path) -> None:
    """It can be used with --no-redact alone."""
    refused = run("plain", tmp_path / "out")
    assert refused.exit_code == 1
    assert "it cannot redact secrets; use it with --no-redact" in refused.stderr
    assert not (tmp_path / "out").exists()
    assert run("plain", tmp_path / "out", "--no-redact").exit_code == 0
