"""The example of docs/mcp.md is true."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from projector.mcp.tools.registry import tools
from tests.projector.mcp.asked import Asking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projector.mcp.tools.argument import Argument

DOCS = Path(__file__).parents[3] / "docs" / "mcp.md"
_T = 1_795_176_000_000_000
"""Microseconds: 2026-11-20T12:00:00Z."""
_MINUTE = 60_000_000


@pytest.fixture
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_in_utc")
def test_the_conversation_of_the_document_is_true(journal_dir: Path) -> None:
    """Each call in it gets the answer below it, but for the number of the fence."""
    with Journal.open(journal_dir) as journal:
        data = {"title": "Uploads fail", "source": "codex", "cwd": "/home/me/web"}
        journal.append(session="s1", type="session.created", id="c", data=data)
        for number, (role, text) in enumerate(
            [
                ("user", "How often may an upload be retried?"),
                ("assistant", "We agreed on a budget of three retries."),
                ("user", "Then do it so."),
            ]
        ):
            when = _T + number * _MINUTE
            journal.append_message("s1", role, text, id=f"m{number + 1}", timestamp=when)
    text = DOCS.read_text(encoding="utf-8")
    found = re.search(r"<!-- a test runs this -->\n```\n(.*?)```", text, re.DOTALL)
    assert found is not None
    expected = found[1]
    answers = []
    with Asking(journal_dir) as asking:
        for line in expected.splitlines():
            if line.startswith("> "):
                tool, _, arguments = line.removeprefix("> ").partition(" ")
                answers.append(f"{line}\n{asking(tool, **json.loads(arguments)).text}\n")
    assert re.sub(r"record [0-9a-f]{12}", f"record {'0' * 12}", "".join(answers)) == expected


def test_the_table_names_each_argument_and_its_default() -> None:
    """The table of tools has what a client is given, in its order."""
    text = DOCS.read_text(encoding="utf-8")
    aside = {"include_asking", "asking"}
    for tool in tools(notes=True).values():
        shown = ", ".join(_shown(one) for one in tool.arguments if one.name not in aside)
        assert f"| `{tool.name}` | {shown} |" in text


def _shown(argument: Argument) -> str:
    default = f" ({argument.default:,})" if argument.kind == "integer" else ""
    return f"`{argument.name}`{default}"
