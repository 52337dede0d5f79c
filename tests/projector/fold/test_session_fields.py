"""A field of a session is declared once; every other place that lists fields has it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from journal.format.event_types import SESSION_FIELDS
from projector.db.public_views.sessions import SESSIONS
from projector.store.fields import SessionFields
from projector.views.sessions import SessionView

FORMAT = (Path(__file__).parents[3] / "docs" / "format.md").read_text(encoding="utf-8")


def test_each_field_of_a_session_is_in_the_public_view() -> None:
    """The view `sessions` of `projector.db.public_views` has a column for each field."""
    assert SESSION_FIELDS.keys() <= {column.name for column in SESSIONS.columns}


def test_each_field_of_a_session_can_be_written_with_a_type() -> None:
    """`projector.store.fields.SessionFields` has the fields of the format, and no others."""
    assert SESSION_FIELDS.keys() == SessionFields.__annotations__.keys()


def test_each_field_of_a_session_can_be_read() -> None:
    """`projector.views.sessions.SessionView` has an attribute for each field."""
    assert SESSION_FIELDS.keys() <= {field.name for field in fields(SessionView)}


def test_each_field_of_a_session_is_in_the_format() -> None:
    """docs/format.md names each field where it describes `session.created`."""
    (described,) = (line for line in FORMAT.splitlines() if line.startswith("`session.created`:"))
    assert [name for name in SESSION_FIELDS if f"`{name}`" not in described] == []
