"""docs/large.md: its commands, as they are written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from journal.cli import cli as journal_cli
from projector import Projection
from projector.cli import cli as projector_cli
from tests.support.programs import clickhouse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from click.testing import Result

DOCUMENT = Path(__file__).parents[2] / "docs" / "large.md"


def run_block(
    name: str, journal_dir: Path, replaced: Mapping[str, str] = MappingProxyType({})
) -> list[Result]:
    """Run the commands of a block of the document, but for installations; return their results."""
    text = DOCUMENT.read_text(encoding="utf-8")
    [block] = re.findall(rf"^```sh {name}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    results = []
    for line in block.splitlines():
        words = shlex.split(line, comments=True)
        program, *arguments = (replaced.get(word, word) for word in words)
        if program not in ("journal", "projector"):
            continue
        command = {"journal": journal_cli, "projector": projector_cli}[program]
        result = CliRunner().invoke(command, ["--journal", str(journal_dir), *arguments])
        assert result.exit_code == 0, (line, result.output, result.stderr)
        results.append(result)
    return results


def test_a_journal_is_projected_in_parts_as_the_document_says(journal_dir: Path) -> None:
    """Both messages are found, and the digest is that of one projection."""
    *_, search, digest = run_block("parts", journal_dir)
    assert "hello from the first" in search.stdout.replace("**", "")
    assert "hello from the second" in search.stdout.replace("**", "")
    assert not (journal_dir / "projection" / "CURRENT").exists()
    with Projection.open(journal_dir) as whole:
        assert digest.stdout.strip() == whole.digest()


@pytest.mark.slow
@pytest.mark.xdist_group("clickhouse")
def test_a_journal_has_a_sink_as_the_document_says(journal_dir: Path) -> None:
    """The message is sent, compared and found. The folder of ClickHouse is replaced."""
    clickhouse.needed()
    with clickhouse.serving() as server:
        [*_, compared, search] = run_block(
            "sink", journal_dir, {"chdb:///var/lib/agents/clickhouse": server.url}
        )
    assert compared.stdout.startswith("equal: 1 documents")
    assert "from the first session" in search.stdout


@pytest.mark.parametrize("command", ["run", "rebuild", "sync", "status", "search", "digest"])
def test_what_names_no_part_is_wrong_usage(command: str, journal_dir: Path) -> None:
    """The error says what does."""
    arguments = [command, "x"] if command == "search" else [command]
    result = CliRunner().invoke(
        projector_cli, ["--journal", str(journal_dir), *arguments, "--part", "0/4"]
    )
    assert result.exit_code == 2
    assert "such as 3/16" in result.stderr
