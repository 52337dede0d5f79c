"""The examples of docs/search.md are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from journal import Journal
from projector import Projection, QueryError

DOCS = Path(__file__).parents[4] / "docs" / "search.md"


def test_the_programs_of_the_document_run(tmp_path: Path) -> None:
    """What they assert holds, each with a journal of its own."""
    programs = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert programs
    for number, program in enumerate(programs):
        names = {"path": tmp_path / str(number), "Journal": Journal, "Projection": Projection}
        exec(compile(program, str(DOCS), "exec"), names)  # noqa: S102 - it is ours


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("docker compose", {"both", "apart"}),
        ('"docker compose"', {"both"}),
        ("deploy*", {"deploys"}),
        ("docker AND compose", {"both", "apart"}),
        ("docker OR podman", {"both", "apart", "podman"}),
        ("docker NOT compose", set()),
        ("(docker OR podman) compose", {"both", "apart", "podman"}),
        ("get_user_name", {"name"}),
        ("path/to/file.py", {"name"}),
        ("--force", {"name"}),
        ("C++", {"signs"}),
        ('"C++"', {"signs"}),
        ('"100%"', {"signs"}),
        ('"foo()"', {"signs"}),
        ('"a != b"', {"signs"}),
        ('"🎉"', {"signs"}),
        ('"café"', {"signs"}),
        ('"cafe"', {"signs", "plain"}),
        ("北京", {"chinese"}),
        ("颐和园", {"chinese"}),
    ],
)
def test_the_table_of_queries(journal_dir: Path, query: str, expected: set[str]) -> None:
    """Each query of the table finds what the table says; it is in the document."""
    text = DOCS.read_text(encoding="utf-8")
    assert f"`{query}`" in text
    with Journal.open(journal_dir) as journal:
        for id, content in (
            ("both", "run docker compose"),
            ("apart", "Compose needs the docker daemon"),
            ("podman", "podman can compose"),
            ("deploys", "Deployment is done"),
            ("name", "get_user_name in path/to/file.py with --force"),
            ("chinese", "我们去北京的颐和园"),
            ("signs", "C++ at 100%: foo() if a != b, in a café 🎉"),
            ("plain", "C at 100, foo if a = b, in a cafe, by force"),
        ):
            journal.append_message("s", "user", content, id=id)
    with Projection.open(journal_dir) as projection:
        assert {hit.id for hit in projection.search(query, enough=0)} == expected
        with pytest.raises(QueryError):
            projection.search("NOT docker")
