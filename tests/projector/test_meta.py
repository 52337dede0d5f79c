"""What machines wrote in the place of people is distinguished from what people wrote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from journal import Journal
from projector import Projection
from projector.cli import cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

T = 1_700_000_000_000_000


@pytest.fixture
def projection(journal_dir: Path) -> Iterator[Projection]:
    """A session of a person, in which machines wrote first, and one of a sub-agent."""
    with Journal.open(journal_dir) as journal:
        journal.append_message(
            "s1", "user", "lamp rules", id="m1", timestamp=T, meta="instructions"
        )
        journal.append_message("s1", "user", "Fix the lamp.", id="m2", timestamp=T + 1)
        journal.append_message("s1", "system", "lamp notice", id="m3", timestamp=T + 2, meta="x")
        journal.append_message(
            "s1",
            "assistant",
            "The lamp is lit.",
            timestamp=T + 3,
            model="m-1",
            extra={"cwd": "/w", "git_branch": "main"},
        )
        journal.append_message("a1", "user", "Find the bulb.", id="t1", timestamp=T, meta="task")
    with Projection.open(journal_dir) as projection:
        yield projection


def test_the_role_user_means_people_in_a_search(projection: Projection) -> None:
    """Machines are found without the role, with another one, or when they are asked for."""

    def found(role: str | None, *, include_meta: bool = False) -> set[str]:
        hits = projection.search("lamp", role=role, include_meta=include_meta).hits
        return {hit.id for hit in hits if hit.id in ("m1", "m2", "m3")}

    assert found("user") == {"m2"}
    assert found("user", include_meta=True) == {"m1", "m2"}
    assert found("system") == {"m3"}
    assert found(None) == {"m1", "m2", "m3"}


def test_a_message_that_gets_a_meta_is_no_longer_found_as_a_persons(
    projection: Projection, journal_dir: Path
) -> None:
    """A revision changes what the index knows of it."""
    with Journal.open(journal_dir) as journal:
        data = {"message": "m2", "meta": "notification"}
        journal.append(session="s1", type="message.revised", data=data)
    assert projection.search("lamp", role="user").hits == ()
    assert {hit.id for hit in projection.search("lamp", role="user", include_meta=True).hits} == {
        "m1",
        "m2",
    }


def test_a_preview_is_what_a_person_wrote_first(projection: Projection) -> None:
    """Of a sub-agent, to which no person wrote, it is the task that it was given."""
    assert projection.session("s1").preview == "Fix the lamp."
    assert projection.session("a1").preview == "Find the bulb."


def test_the_preview_of_a_sub_agent_without_a_task_is_its_first_message(journal_dir: Path) -> None:
    """What its parent's lines have of it may begin with its answer."""
    with Journal.open(journal_dir) as journal:
        for session in ("a1", "s1"):
            journal.append_message(session, "assistant", "It is in the box.", timestamp=T)
            journal.append_message(session, "tool", "box: bulb", timestamp=T + 1)
        data = {"parent": "s1", "relation": "subagent"}
        journal.append(session="a1", type="session.created", data=data)
    with Projection.open(journal_dir) as projection:
        assert projection.session("a1").preview == "It is in the box."
        assert projection.session("s1").preview == ""
        with Journal.open(journal_dir) as journal:
            journal.append_message("a1", "user", "Find it.", meta="task", timestamp=T + 9)
        assert projection.session("a1").preview == "Find it."


def test_a_session_has_the_folder_and_model_of_its_messages(projection: Projection) -> None:
    """They count where no event of the session gives them."""
    view = projection.session("s1")
    assert (view.cwd, view.model, view.branch) == ("/w", "m-1", "main")


def test_show_prints_what_people_wrote(
    projection: Projection, journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--role user` leaves out machines, `--include-meta` adds them, and the text names them."""
    del projection
    monkeypatch.setenv("JOURNAL_DIR", str(journal_dir))

    def shown(*options: str) -> list[str]:
        printed = CliRunner().invoke(cli, ["show", "s1", "--json", *options]).stdout
        return [message["id"] for message in json.loads(printed)["messages"]]

    assert shown("--role", "user") == ["m2"]
    assert shown("--role", "user", "--include-meta") == ["m1", "m2"]
    assert "user (instructions)" in CliRunner().invoke(cli, ["show", "s1"]).stdout
