"""Invalid text: lone surrogates in every argument of every method, and bytes that are no UTF-8."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from journal import EventError, Journal
from journal.errors import JournalError
from projector import Projection, SessionStore
from projector.errors import NotFound, ProjectorError, QueryError
from projector.store.claims import Claim, Claims
from projector.store.keys import Keys
from tests.support.programs.commands import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.programs.commands import Commands

    Act = Callable[[SessionStore, Any], object]

BIN = Path(sys.executable).parent
BAD = "a\ud800b"
VALUES = [BAD, {BAD: 1}, {"a": {"b": [BAD]}}, [[BAD]]]


@pytest.fixture
def store(journal_dir: Path) -> Iterator[SessionStore]:
    """A store with a session, a message and a key."""
    with SessionStore.open(journal_dir) as store:
        store.append("s", "user", "hello", id="m")
        store.keys.set("k", 1)
        yield store


def _claim(name: str = "n", holder: str = "h") -> Claim:
    return Claim(name, holder, 1, 2**50)


# every public method that writes, with invalid text in each argument, and the argument's name
WRITES: dict[str, tuple[str, Act]] = {
    "append session": ("session", lambda s, v: s.append(v, "user")),
    "append role": ("role", lambda s, v: s.append("s", v)),
    "append content": ("content", lambda s, v: s.append("s", "user", v)),
    "append parts": ("content", lambda s, v: s.append("s", "user", [v])),
    "append id": ("id", lambda s, v: s.append("s", "user", id=v)),
    "append field": ("tool_name", lambda s, v: s.append("s", "user", tool_name=v)),
    "append extra": ("extra", lambda s, v: s.append("s", "user", extra={"a": v})),
    "append extra key": ("extra", lambda s, v: s.append("s", "user", extra={v: 1})),
    "append calls": ("tool_calls", lambda s, v: s.append("s", "user", tool_calls=[{"a": v}])),
    "flush session": ("session", lambda s, v: s.flush(v, [{"role": "user"}])),
    "flush id": ("id", lambda s, v: s.flush("s", [{"role": "user", "id": v}])),
    "flush key": ("no field", lambda s, v: s.flush("s", [{"role": "user", v: 1}])),
    "replace_messages session": ("session", lambda s, v: s.replace_messages(v, [{"role": "user"}])),
    "replace_messages content": (
        "content",
        lambda s, v: s.replace_messages("s", [{"role": "user", "content": v}]),
    ),
    "replace_messages rest": (
        "rest",
        lambda s, v: s.replace_messages("s", [{"role": "user"}], rest=v),
    ),
    "revise_message session": ("session", lambda s, v: s.revise_message(v, "m", role="x")),
    "revise_message id": ("message", lambda s, v: s.revise_message("s", v, role="x")),
    "revise_message field": ("content", lambda s, v: s.revise_message("s", "m", content=v)),
    "remove_messages": ("messages", lambda s, v: s.remove_messages("s", [v])),
    "remove_messages session": ("session", lambda s, v: s.remove_messages(v, ["m"])),
    "archive_messages reason": ("reason", lambda s, v: s.archive_messages("s", ["m"], v)),
    "restore_messages": ("messages", lambda s, v: s.restore_messages("s", [v])),
    "create session": ("session", lambda s, v: s.create(v)),
    "create field": ("title", lambda s, v: s.create("s", title=v)),
    "create config": ("config", lambda s, v: s.create("s", config={v: v})),
    "ensure": ("session", lambda s, v: s.ensure(v)),
    "ensure field": ("cwd", lambda s, v: s.ensure("s", cwd=v)),
    "revise session": ("session", lambda s, v: s.revise(v, title="t")),
    "revise field": ("model", lambda s, v: s.revise("s", model=v)),
    "revise clear": ("clear", lambda s, v: s.revise("s", clear=[v])),
    "revise clear extra": ("clear", lambda s, v: s.revise("s", clear=[f"extra.{v}"])),
    "set_title": ("title", lambda s, v: s.set_title("s", v)),
    "set_title session": ("session", lambda s, v: s.set_title(v, "t")),
    "claim_title": ("title", lambda s, v: s.claim_title("s", v)),
    "claim_title session": ("session", lambda s, v: s.claim_title(v, "t")),
    "end": ("session", lambda s, v: s.end(v)),
    "end reason": ("reason", lambda s, v: s.end("s", v)),
    "end ended": ("ended", lambda s, v: s.end("s", ended=v)),
    "reopen": ("session", lambda s, v: s.reopen(v)),
    "clear": ("session", lambda s, v: s.clear(v)),
    "delete": ("session", lambda s, v: s.delete(v)),
    "add_usage": ("session", lambda s, v: s.add_usage(v, input_tokens=1)),
    "add_usage id": ("id", lambda s, v: s.add_usage("s", id=v, input_tokens=1)),
    "set_usage model": ("model", lambda s, v: s.set_usage("s", model=v)),
    "keys.set key": ("key", lambda s, v: s.keys.set(v, 1)),
    "keys.set namespace": ("namespace", lambda s, v: s.keys.set("k", 1, namespace=v)),
    "keys.delete": ("key", lambda s, v: s.keys.delete(v)),
    "keys.compare_and_set key": ("key", lambda s, v: s.keys.compare_and_set(v, 1, expected=1)),
    "keys.compare_and_set value": (
        "value",
        lambda s, v: s.keys.compare_and_set("k", v, expected=1),
    ),
    "keys.compare_and_set namespace": (
        "namespace",
        lambda s, v: s.keys.compare_and_set("k", 1, expected=1, namespace=v),
    ),
    "claims.acquire": ("name", lambda s, v: s.claims.acquire(v, holder="h", seconds=1)),
    "claims.acquire holder": ("holder", lambda s, v: s.claims.acquire("n", holder=v, seconds=1)),
    "prune": ("before", lambda s, v: s.prune(v)),
    "add": ("type", lambda s, v: s.add([{"session": "s", "type": v, "data": {}}])),
    "journal.append": ("type", lambda s, v: s.journal.append(session="s", type=v, data={})),
    "journal.append id": (
        "id",
        lambda s, v: s.journal.append(session="s", id=v, type="x", data={}),
    ),
    "journal.append_many": (
        "session",
        lambda s, v: s.journal.append_many([{"session": v, "type": "x", "data": {}}]),
    ),
    "journal.append_message": (
        "timestamp",
        lambda s, v: s.journal.append_message("s", "user", timestamp=v),
    ),
    "search since": ("since", lambda s, v: s.search("hello", since=v)),
}


@pytest.mark.parametrize("method", WRITES)
def test_a_lone_surrogate_is_refused_by_name(store: SessionStore, method: str) -> None:
    """Every method that writes names the field, and writes nothing."""
    field, act = WRITES[method]
    before = store.position
    with pytest.raises(EventError, match=field) as raised:
        act(store, BAD)
    assert "Unicode" not in type(raised.value).__name__
    assert store.position == before


@pytest.mark.parametrize("value", VALUES, ids=["text", "key", "within", "list"])
def test_a_lone_surrogate_anywhere_in_a_value_is_refused(
    store: SessionStore, value: object
) -> None:
    """Keys of objects and items of lists are checked, too."""
    for act in (
        lambda: store.keys.set("k", value),
        lambda: store.keys.compare_and_set("k", value, expected=1),
        lambda: store.append("s", "user", extra={"a": value}),
        lambda: store.create("s", extra={"a": value}),
        lambda: store.add_usage("s", input_tokens=1, extra={"a": value}),
        lambda: store.journal.append(session="s", type="odd", data={"a": value}),
    ):
        with pytest.raises(EventError, match="lone surrogate"):
            act()


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"role": BAD}, "role"),
        ({"role": "user", "content": BAD}, "content"),
        ({"role": "user", "content": [{"type": BAD}]}, "content"),
        ({"role": "user", "extra": {BAD: 1}}, "extra"),
    ],
)
def test_a_flush_reports_invalid_text(
    store: SessionStore, message: dict[str, Any], field: str
) -> None:
    """A placeholder is stored, the report has the reason, and all other messages are stored."""
    report = store.flush("f", [message, {"role": "user", "content": "behind"}])
    (refused,) = report.refused
    assert refused.index == 0
    assert field in refused.reason
    assert "lone surrogate" in refused.reason
    assert store.messages("f")[-1].content == "behind"


READS: dict[str, Act] = {
    "session": lambda s, v: s.session(v),
    "exists": lambda s, v: s.exists(v),
    "sessions source": lambda s, v: s.sessions(source=v).items,
    "sessions parent": lambda s, v: s.sessions(parent=v).items,
    "facets": lambda s, v: s.facets(by="tool", source=v).items,
    "messages": lambda s, v: s.messages(v),
    "rewind": lambda s, v: s.rewind("s", v),
    "rewind session": lambda s, v: s.rewind(v, "m"),
    "search": lambda s, v: s.search(v),
    "search phrase": lambda s, v: s.search(f'"{v} hello" OR {v}* NOT {v}'),
    "search role": lambda s, v: s.search("hello", role=v),
    "search source": lambda s, v: s.search("hello", source=v),
    "search session": lambda s, v: s.search("hello", session=v),
    "keys.ask": lambda s, v: s.keys.ask(lambda keys: keys.get(v)),
    "keys.decide": lambda s, v: s.keys.decide(lambda keys: (keys.get(v), [])),
    "keys.get": lambda s, v: s.keys.get(v),
    "keys.get namespace": lambda s, v: s.keys.get("k", namespace=v),
    "keys.items": lambda s, v: s.keys.items(v),
    "claims.get": lambda s, v: s.claims.get(v),
    "prune source": lambda s, v: s.prune("2026-01-01T00:00:00Z", source=v),
    "claims.renew": lambda s, v: s.claims.renew(_claim(v), seconds=1),
    "claims.release": lambda s, v: s.claims.release(_claim(v)),
}


@pytest.mark.parametrize("method", READS)
def test_invalid_text_finds_nothing(store: SessionStore, method: str) -> None:
    """A method that reads finds nothing or names the invalid text; the handle stays usable."""
    try:
        found = READS[method](store, BAD)
    except (QueryError, NotFound, EventError):
        found = None
    assert not getattr(found, "hits", found)
    assert [message.id for message in store.messages("s")] == ["m"]


def test_every_public_method_is_tried() -> None:
    """A new method of a store must be added here."""
    tried = {case.split()[0] for case in (*WRITES, *READS)}
    classes = {"": SessionStore, "keys.": Keys, "claims.": Claims}
    public = {
        prefix + name
        for prefix, kind in classes.items()
        for name in dir(kind)
        if not name.startswith("_")
    }
    free = {"close", "decide", "journal", "open", "position", "projection", "read", "read_all"}
    assert public - tried - free - {"settle", "wait_for"} == set()


def test_a_projection_stays_usable_after_invalid_text(store: SessionStore) -> None:
    """The same holds for a projection that is opened alone."""
    with Projection.open(store.journal.path) as projection:
        for act in (projection.session, projection.messages, projection.search):
            with pytest.raises((NotFound, QueryError)):
                act(BAD)
        assert len(projection.messages("s")) == 1


def test_a_path_of_other_bytes_is_used_or_refused(tmp_path: Path) -> None:
    """A journal can have any name; SQLite cannot open every name, and the error says so."""
    path = tmp_path / os.fsdecode(b"j\xff")
    with Journal.open(path) as journal:
        journal.append_message("s", "user", "hello", id="m")
    with pytest.raises((JournalError, ProjectorError), match="UTF-8"), Projection.open(path) as p:
        p.search("hello")


ARGUMENTS: list[tuple[list[bytes], int]] = [
    ([b"journal", b"append", b"--session", b"\xff", b"--role", b"user", b"x"], 1),
    ([b"journal", b"append", b"--session", b"s", b"--role", b"\xff", b"x"], 1),
    ([b"journal", b"append", b"--session", b"s", b"--role", b"user", b"--id", b"\xff", b"x"], 1),
    ([b"journal", b"append", b"--session", b"s", b"--role", b"user", b"\xff"], 1),
    ([b"journal", b"append", b"--session", b"s", b"--role", b"u", b"--source", b"\xff", b"x"], 1),
    ([b"journal", b"append", b"--session", b"s", b"--role", b"u", b"--fsync", b"\xff", b"x"], 2),
    ([b"journal", b"cat", b"--session", b"\xff"], 0),
    ([b"journal", b"cat", b"--type", b"\xff"], 0),
    ([b"journal", b"cat", b"--since", b"\xff"], 2),
    ([b"journal", b"import", b"auto", b"/no/\xff"], 3),
    ([b"journal", b"import", b"\xff", b"."], 2),
    ([b"journal", b"export", b"\xff", b"out"], 2),
    ([b"journal", b"export", b"hermes", b"/no/\xff"], 1),
    ([b"journal", b"\xff"], 2),
    ([b"journal", b"--\xff"], 2),
    ([b"journal", b"--journal", b"/no/\xff", b"cat"], 3),
    ([b"projector", b"--journal", b"/no/\xff", b"search", b"x"], 3),
    ([b"projector", b"search", b"\xff"], 2),
    ([b"projector", b"search", b"x\xff*"], 2),
    ([b"projector", b"search", b"x", b"--role", b"\xff"], 2),
    ([b"projector", b"search", b"x", b"--source", b"\xff"], 2),
    ([b"projector", b"search", b"x", b"--session", b"\xff"], 2),
    ([b"projector", b"show", b"\xff"], 2),
    ([b"projector", b"show", b"\xff", b"--json"], 2),
]


@pytest.mark.parametrize(("command", "code"), ARGUMENTS, ids=lambda value: repr(value)[:60])
def test_arguments_that_are_not_utf8_are_clear_errors(
    commands: Commands, store: SessionStore, tmp_path: Path, command: list[bytes], code: int
) -> None:
    """Each command prints one line that names the argument, and no traceback."""
    out, err = tmp_path / "out", tmp_path / "err"
    environment = os.environ | {"JOURNAL_DIR": str(store.journal.path)}
    argv = [os.fsdecode(part) for part in command]
    found = commands.run(Command(argv, str(out), str(err), environment))
    errors = err.read_bytes().decode()
    assert "Traceback" not in errors
    assert found == code, errors
    assert errors or code == 0


def test_files_with_odd_names_are_imported(journal_dir: Path, tmp_path: Path) -> None:
    """The report has their names in a readable form, as text and as JSON."""
    source = tmp_path / "in"
    source.mkdir()
    good = source / os.fsdecode(b"talk\xff[b]\x1b.json")
    good.write_text('[{"role": "user", "content": "hi"}]')
    (source / os.fsdecode(b"bad\xfe\x1b.json")).write_text("[")
    (source / os.fsdecode(b"other\xfd.jsonl")).write_text("plain\n")
    for more in ([], ["--json"], ["--reread"]):
        found = subprocess.run(
            [BIN / "journal", "--journal", journal_dir, "import", "auto", source, *more],
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert b"Traceback" not in found.stderr
        assert b"\x1b" not in found.stdout + found.stderr
        (found.stdout + found.stderr).decode()
    assert b"hi" in b"".join(path.read_bytes() for path in journal_dir.rglob("*.jsonl"))
