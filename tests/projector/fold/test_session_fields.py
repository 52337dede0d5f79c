"""A field of a session is declared once; every other place that lists fields has it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from journal.format.event_types import SESSION_CREATED, SESSION_FIELDS
from journal.redact.values import redact_values
from projector.cli.sessions import command
from projector.db.public_views.sessions import SESSIONS
from projector.store.fields import SessionFields
from projector.views.sessions import SessionView

NAMES = {"source", "model", "parent", "user", "commit", "relation"}
"""Fields that name something: they are not redacted, since others refer to it by that name."""
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


def test_each_text_field_of_a_session_is_redacted_unless_it_is_a_name() -> None:
    """`journal.redact.values` redacts every field that can hold a secret."""
    values = {str: "a", dict: {"a": "a"}}
    data = {name: values[kind] for name, (kind, *_) in SESSION_FIELDS.items() if kind in values}
    redacted = redact_values(SESSION_CREATED, data, lambda _name, _text: "-")
    assert {name for name in data if redacted[name] == data[name]} == NAMES


def test_each_field_of_a_session_is_in_the_help_of_the_command() -> None:
    """`projector sessions --json` names each field in its help text."""
    assert [name for name in SESSION_FIELDS if f'"{name}"' not in (command.help or "")] == []
