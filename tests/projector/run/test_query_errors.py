"""An error that a caller's function raises reaches the caller, and is not treated as damage."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import apsw
import orjson
import pytest

from projector import ProjectionDamaged, ProjectionError, SessionStore
from projector.db.checksums import vfs
from projector.db.generations import generations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def store(journal_dir: Path) -> Iterator[SessionStore]:
    """A store with one message, projected."""
    with SessionStore.open(journal_dir) as store:
        store.append("s", "user", "hello")
        assert len(store.messages("s")) == 1
        yield store


_SQL = [
    ("SELECT nope FROM messages", (), apsw.SQLError),
    ("NONSENSE 1", (), apsw.SQLError),
    ("SELECT * FROM fts WHERE fts MATCH '(\"'", (), apsw.SQLError),
    ("SELECT json_extract('{', '$.a')", (), apsw.SQLError),
    ("SELECT * FROM messages LIMIT ?", (None,), apsw.MismatchError),
    ("SELECT ?", (), apsw.BindingsError),
    ("INSERT INTO _lanes(uuid) VALUES('x')", (), apsw.ReadOnlyError),
    ("ATTACH '/nowhere/at/all.db' AS x", (), apsw.CantOpenError),
]


@pytest.mark.slow
@pytest.mark.parametrize("ask", ["read", "peek", "decide"])
@pytest.mark.parametrize(("sql", "values", "error"), _SQL)
def test_a_wrong_statement_is_an_error_of_its_caller(
    store: SessionStore, ask: str, sql: str, values: tuple[Any, ...], error: type[Exception]
) -> None:
    """The error is raised at once and unchanged; no query is repeated and nothing is rebuilt."""
    asked = []

    def query(db: apsw.Connection | None) -> object:
        assert db is not None
        asked.append(sql)
        return db.execute(sql, values).get

    call: dict[str, Callable[..., object]] = {
        "read": store.read,
        "peek": store.projection.peek,
        "decide": store.decide,
    }
    before = generations(store.journal.path).current()
    with pytest.raises(error) as raised:
        call[ask](query)
    assert type(raised.value) is error
    assert raised.value.__context__ is None
    assert len(asked) == 1
    assert generations(store.journal.path).current() == before
    assert len(store.messages("s")) == 1


_CODE: list[tuple[Callable[[], object], type[Exception]]] = [
    (lambda: json.loads("{"), json.JSONDecodeError),
    (lambda: orjson.loads("{"), orjson.JSONDecodeError),
    (b"\xff".decode, UnicodeDecodeError),
]


@pytest.mark.parametrize(("code", "error"), _CODE)
def test_a_decoding_error_of_the_caller_is_no_damage(
    store: SessionStore, code: Callable[[], object], error: type[Exception]
) -> None:
    """An error of the caller's parsing reaches the caller, and nothing is rebuilt."""
    before = generations(store.journal.path).current()
    with pytest.raises(error):
        store.read(lambda _: code())
    assert generations(store.journal.path).current() == before


def test_the_error_that_a_caller_is_handling_does_not_count(store: SessionStore) -> None:
    """A wrong statement is the caller's error, also while the caller handles a disk error."""
    before = generations(store.journal.path).current()
    try:
        raise apsw.IOError("of another database")  # noqa: TRY301 - the read below is in its handler
    except apsw.IOError:
        with pytest.raises(apsw.SQLError):
            store.read(lambda db: db.execute("SELECT nope").get)
    assert generations(store.journal.path).current() == before


def test_an_error_of_a_projection_that_a_caller_raises_is_its_own(store: SessionStore) -> None:
    """An error of another projection that a query uses causes no rebuild of this one."""
    mine = ProjectionDamaged("another one")

    def query(_: object) -> None:
        raise mine

    before = generations(store.journal.path).current()
    with pytest.raises(ProjectionDamaged) as raised:
        store.read(query)
    assert raised.value is mine
    assert generations(store.journal.path).current() == before


def test_a_query_that_closes_the_connection_is_an_error(store: SessionStore) -> None:
    """The error names the cause; the next query opens another connection."""
    with pytest.raises(ProjectionError, match="closed the connection"):
        store.read(lambda db: db.close())
    assert len(store.messages("s")) == 1
    kept = store.read(lambda db: db)[0]
    kept.close()
    assert len(store.messages("s")) == 1


def test_a_table_that_is_missing_is_damage(store: SessionStore) -> None:
    """If the statement is right and a table is missing, the database is damaged and is rebuilt."""
    kept = generations(store.journal.path)
    before = kept.in_use()
    store.projection.close()
    with apsw.Connection(str(kept.path(before)), vfs=vfs()) as db:
        db.execute("DROP TABLE _keys")
    db.close()
    with SessionStore.open(store.journal.path) as again:
        assert again.keys.items("@n") == {}
    assert kept.in_use() != before


def test_a_persistent_error_is_raised(store: SessionStore) -> None:
    """An error that persists although all is applied is raised after at most three attempts."""
    asked = []

    def refuses(_: object) -> None:
        asked.append(1)
        raise apsw.IOError("the disk refuses")

    with pytest.raises(ProjectionError, match="the disk refuses"):
        store.read(refuses)
    assert len(asked) <= 3
    assert len(store.messages("s")) == 1
