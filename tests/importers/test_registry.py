"""Sources are found by entry points, loaded when needed, and cannot break each other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from importlib import metadata
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, ClassVar

import pytest
from click.testing import CliRunner

from journal.cli import cli
from journal.errors import ImportFailed
from journal.importers import registry
from journal.importers.formats import DatabaseResult, DocumentFormat, LineFormat, SourceFormat
from journal.importers.parsing.events import message
from journal.importers.parsing.parser import Location, Skipped
from journal.importers.registry import Installed, installed
from journal.importers.run.driver import Importer
from journal.writer import Journal
from tests.importers.feed import journal_events, line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json
    from journal.importers.run.report import Report

ACME = """
from dataclasses import dataclass
from typing import ClassVar

from journal.importers.formats import LineFormat, SourceFormat
from journal.importers.parsing.events import message
from journal.importers.parsing.parser import Skipped


@dataclass
class Acme:
    location: object
    equal_is_same: ClassVar[bool] = True

    def value(self, line, value, raw):
        if "acme" in value:
            data = {"role": "user", "content": value["acme"], "source": "acme"}
            yield message(line, "acme-session", str(line), data)
        else:
            yield Skipped(line, "no acme")

    def left_out(self, line, size, id):
        return iter(())

    def end(self):
        return iter(())


FORMAT = SourceFormat(
    name="acme",
    version=1,
    about="what Acme says",
    paths=("~/.acme",),
    files=("*.acme",),
    lines=LineFormat(matches=lambda value: "acme" in str(value), parser=Acme),
)
"""
CLAUDE = line(type="user", uuid="u", sessionId="s", message={"role": "user", "content": "hi"})


def install(folder: Path, name: str, module: str) -> None:
    """Install a package with one importer, as pip does: a module, and its metadata beside it."""
    (folder / f"{name}_importer.py").write_text(module)
    info = folder / f"{name}_importer-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-importer\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[journal.importers]\n{name} = {name}_importer:FORMAT\n"
    )


def run(packages: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `journal import` with the packages of a folder installed."""
    program = "from journal.cli import main; main()"
    command = [sys.executable, "-c", program, "--journal", packages / "journal", "import"]
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    return subprocess.run(
        [*map(str, command), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=60,
    )


def test_another_package_adds_a_source(tmp_path: Path) -> None:
    """The source is detected by its lines, named in the help, and read in folders."""
    install(tmp_path, "acme", ACME)
    box = tmp_path / "box"
    box.mkdir()
    (box / "talk.acme").write_bytes(line(acme="from acme") + b"\n" + line(other=1) + b"\n")
    (box / "a.jsonl").write_bytes(CLAUDE + b"\n")
    found = run(tmp_path, "acme", box / "talk.acme", "--json")
    assert (found.returncode, found.stderr) == (0, "")
    report = json.loads(found.stdout)
    assert (report["messages"], report["skipped"]) == (1, {"no acme": 1})
    both = run(tmp_path, "auto", box, "--json")
    assert both.returncode == 0
    report = json.loads(both.stdout)
    assert (report["files"] + report["unchanged"], report["messages"]) == (2, 1)
    assert report["errors"] == {}
    contents = [
        data["content"] for *_, data in journal_events(tmp_path / "journal") if "role" in data
    ]
    assert contents == ["from acme", "hi"]
    assert "acme          ~/.acme: what Acme says\n" in run(tmp_path, "--help").stdout


def test_a_package_that_cannot_be_loaded_breaks_no_other(tmp_path: Path) -> None:
    """With `auto` the report has an error beside the imported files; by name the command fails."""
    install(tmp_path, "acme", "import a_module_that_is_not_there\n")
    source = tmp_path / "a.jsonl"
    source.write_bytes(CLAUDE + b"\n")
    why = (
        "of acme_importer:FORMAT of the package acme-importer 1.0 cannot be loaded:"
        " ModuleNotFoundError: No module"
        " named 'a_module_that_is_not_there'; upgrade or uninstall that package"
    )
    auto = run(tmp_path, "auto", source, "--json")
    assert auto.returncode == 1
    report = json.loads(auto.stdout)
    assert (report["messages"], report["errors"]) == (1, {"importer acme": why})
    assert run(tmp_path, "claude-code", source, "--reread").returncode == 0
    named = run(tmp_path, "acme", source)
    assert (named.returncode, named.stdout) == (1, "")
    assert named.stderr == f"Error: the importer 'acme' {why}\n"


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("raise SystemExit(3)\n", "SystemExit: 3"),
        ("raise GeneratorExit('odd')\n", "GeneratorExit: odd"),
    ],
)
def test_a_package_that_exits_at_import_does_not_end_the_command(
    tmp_path: Path, module: str, why: str
) -> None:
    """The other importers work, and both the report and the help text name the package."""
    install(tmp_path, "acme", module)
    source = tmp_path / "a.jsonl"
    source.write_bytes(CLAUDE + b"\n")
    done = run(tmp_path, "auto", source, "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["messages"]) == (1, 1)
    assert f"acme-importer 1.0 cannot be loaded: {why};" in report["errors"]["importer acme"]
    assert run(tmp_path, "claude-code", source, "--reread").returncode == 0
    assert "acme-importer" in run(tmp_path, "--help").stdout
    assert f"cannot be loaded: {why};" in run(tmp_path, "acme", source).stderr


def test_two_importers_with_one_name_are_reported(points: list[EntryPoint], tmp_path: Path) -> None:
    """One is used, and a warning names the other, also if the user names the format."""
    points.append(EntryPoint("plain", f"{__name__}:PLAIN", registry.GROUP))
    points.append(EntryPoint("plain", "zebra:FORMAT", registry.GROUP))
    (tmp_path / "a.txt").write_bytes(b"1\n2\n")
    arguments = ["--journal", str(tmp_path / "journal"), "import"]
    named = CliRunner().invoke(cli, [*arguments, "plain", str(tmp_path / "a.txt")])
    assert named.exit_code == 0
    why = "is brought by two packages; zebra:FORMAT is not used"
    assert named.stderr.splitlines().count(f"warning: the importer 'plain' {why}") == 1
    auto = CliRunner().invoke(cli, [*arguments, "auto", str(tmp_path / "a.txt")])
    assert auto.exit_code == 1
    assert f"importer plain (zebra:FORMAT): {why}" in auto.output
    events = journal_events(tmp_path / "journal")
    assert [data["content"] for *_, data in events if "role" in data] == ["1", "2"]


def test_the_name_auto_is_reserved(points: list[EntryPoint]) -> None:
    """A package that names its format `auto` is reported."""
    points.append(EntryPoint("auto", f"{__name__}:PLAIN", registry.GROUP))
    found = installed()
    assert "'auto' is no name of a format" in found.broken[f"auto ({__name__}:PLAIN)"]
    assert found.names.count("auto") == 1


def test_an_import_loads_only_the_parser_that_it_needs(tmp_path: Path) -> None:
    """Detection loads only small modules, and no parser, SQLite or JSON streamer."""
    source = tmp_path / "a.jsonl"
    source.write_bytes(CLAUDE + b"\n")
    program = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sorted(sys.modules)))\n"
        "from journal.cli import main; main()"
    )
    arguments = ["--journal", str(tmp_path / "journal"), "import", "claude-code", str(source)]
    found = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = set(found.stdout.split())
    assert "journal.importers.claude_code.parser" in loaded
    assert "journal.importers.codex.format" in loaded
    heavy = {"sqlite3", "ijson", "watchdog", "journal.importers.hermes.database"}
    parsers = {f"journal.importers.{name}.parser" for name in ("codex", "openai")}
    assert loaded & (heavy | parsers) == set()


@dataclass
class Plain:
    """A parser that raises an error at the value 3."""

    location: Location
    equal_is_same: ClassVar[bool] = True

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:  # noqa: ARG002 - the protocol's
        """Yield a message whose content is the value."""
        if value == 3:
            raise KeyError("three")
        yield message(line, "plain", str(line), {"role": "user", "content": str(value)})

    def left_out(self, line: int, size: int, id: str) -> Iterator[Item]:  # noqa: ARG002 - the same
        """Skip a line that is too long."""
        yield Skipped(line, "too long")

    def end(self) -> Iterator[Item]:
        """Yield nothing."""
        return iter(())


PLAIN = SourceFormat(
    "plain", 1, "numbers", lines=LineFormat(lambda value: isinstance(value, int), Plain)
)


def take(journal: Path, format: str, added: SourceFormat, *paths: Path) -> Report:
    """Import paths with one more format installed."""
    formats = Installed((added, *installed().formats), {})
    with Journal.open(journal, fsync="never") as handle:
        importer = Importer(handle, format, installed=formats)
        return importer.run(importer.sources(paths))


def test_a_parser_that_raises_an_error_ends_only_its_file(tmp_path: Path) -> None:
    """Earlier lines are imported, the error names the line, and the next file is read."""
    (tmp_path / "a.jsonl").write_bytes(b"1\n2\n3\n4\n")
    (tmp_path / "b.jsonl").write_bytes(CLAUDE + b"\n")
    report = take(tmp_path / "j", "auto", PLAIN, tmp_path)
    assert report.errors == {
        str(tmp_path / "a.jsonl"): "the importer 'plain' failed at line 3: KeyError: 'three'"
    }
    assert report.messages == 3


def test_a_format_whose_check_raises_an_error_is_not_tried_again(tmp_path: Path) -> None:
    """The error is reported once; the other formats recognise their files."""

    def check(_value: object) -> bool:
        raise ZeroDivisionError("no")

    bad = replace(
        PLAIN,
        lines=LineFormat(check, Plain),
        documents=DocumentFormat(check, lambda *_: iter(()), lambda *_: iter(())),
    )
    for name in "ab":
        (tmp_path / f"{name}.jsonl").write_bytes(CLAUDE + b"\n")
    (tmp_path / "c.json").write_bytes(b'[{"role": "user", "content": "x"}]')
    report = take(tmp_path / "j", "auto", bad, tmp_path)
    assert report.errors == {
        "importer plain": "failed to check a file, and was not asked again: ZeroDivisionError: no"
    }
    assert (report.messages, report.already) == (2, 2)


def test_a_reader_that_raises_an_error_ends_only_its_file(tmp_path: Path) -> None:
    """Each error of a reader of documents or databases names the importer."""

    def fail(*_: object, **__: object) -> DatabaseResult:
        raise ValueError("odd")

    def pieces(*_: object) -> Iterator[tuple[int, Iterator[Item]]]:
        raise ValueError("odd")

    documents = DocumentFormat(lambda _document: True, pieces, lambda *_: iter(()))
    bad = replace(PLAIN, files=("*",), documents=documents, database=fail)
    (tmp_path / "a.json").write_bytes(b"{}")
    (tmp_path / "b.db").write_bytes(b"SQLite format 3\0" + bytes(84))
    errors = take(tmp_path / "j", "plain", bad, tmp_path / "b.db").errors
    assert list(errors.values()) == ["the importer 'plain' failed: ValueError: odd"]
    document = replace(bad, database=None)
    errors = take(tmp_path / "j", "auto", document, tmp_path / "a.json").errors
    assert list(errors.values()) == ["the importer 'plain' failed at line 1: ValueError: odd"]


def test_json_lines_for_a_format_that_has_none_are_an_error(tmp_path: Path) -> None:
    """The error comes before anything is read; otherwise the import would find nothing."""
    documents = DocumentFormat(lambda _: False, lambda *_: iter(()), lambda *_: iter(()))
    whole = replace(PLAIN, lines=None, documents=documents)
    (tmp_path / "a.jsonl").write_bytes(b"1\n2\n")
    report = take(tmp_path / "j", "plain", whole, tmp_path / "a.jsonl")
    assert list(report.errors.values()) == [
        "holds JSON lines, which the importer 'plain' does not read"
    ]


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EntryPoint]]:
    """The installed entry points, which a test can change."""
    found = list(entry_points(group=registry.GROUP))
    monkeypatch.setattr(metadata, "entry_points", lambda *, group: [it for it in found if group])
    installed.cache_clear()
    yield found
    installed.cache_clear()


ODD = replace(PLAIN, name="odd")
NUMBER = 7


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("NUMBER", "tests.importers.test_registry:NUMBER is a int, not a SourceFormat"),
        ("ODD", "its format is named 'odd'"),
        ("::", "its value must have the form 'module:name'"),
        ("gone", "AttributeError: module 'tests.importers.test_registry' has no attribute 'gone'"),
    ],
)
def test_an_invalid_entry_point_is_reported_with_its_reason(
    points: list[EntryPoint], value: str, why: str
) -> None:
    """The other formats stay available."""
    points.append(EntryPoint("acme", f"{__name__}:{value}", registry.GROUP))
    found = installed()
    assert why in found.broken["acme"]
    assert {format.name for format in found.formats} >= {"claude-code", "codex", "hermes", "openai"}
    assert "acme" in found.names
    with pytest.raises(ImportFailed, match=r"the importer 'acme' of .* cannot be loaded"):
        found.named("acme")


def test_a_name_that_is_in_use_is_not_used_again(points: list[EntryPoint]) -> None:
    """This project's own importer is used; the other one is reported."""
    points.insert(0, EntryPoint("codex", f"{__name__}:PLAIN", registry.GROUP))
    found = installed()
    assert found.named("codex").paths == ("~/.codex/sessions",)
    assert list(found.broken) == [f"codex ({__name__}:PLAIN)"]


def test_without_any_importer_the_error_says_what_to_do(points: list[EntryPoint]) -> None:
    """Without entry points, as in a checkout that is not installed, the error says what to do."""
    points.clear()
    with pytest.raises(ImportFailed, match="install the package agent-journal again"):
        installed()


def test_the_generic_format_is_tried_last() -> None:
    """Specific formats are checked before the generic list of messages."""
    assert [format.generic for format in installed().formats][-1] is True
    assert [format.name for format in installed().formats if format.generic] == ["openai"]
    assert installed().names[0] == "auto"
