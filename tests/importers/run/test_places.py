"""Conversations that are named by their paths keep their names where their files are moved."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from journal import read
from journal.importers.run.ledger import Ledger
from projector.forgetting.forget import forget, plan
from projector.forgetting.selection import Selection
from tests.importers.run.test_driver import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from journal.importers.run.report import Report

_TALK = [
    {"role": "system", "content": "You are a lamp."},
    {"role": "user", "content": "Shine."},
    {"role": "assistant", "content": "I shine."},
    {"role": "user", "content": "Brighter."},
    {"role": "assistant", "content": "I glow."},
]


def _lines(count: int, talk: list[dict[str, str]]) -> str:
    return "".join(f"{json.dumps(message)}\n" for message in talk[:count])


def _grok(count: int, talk: list[dict[str, str]]) -> str:
    lines = [{"type": it["role"], "content": it["content"]} for it in talk[:count]]
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def _list(count: int, talk: list[dict[str, str]]) -> str:
    return json.dumps(talk[:count], indent=2) + "\n"


def _wrapped(count: int, talk: list[dict[str, str]]) -> str:
    return json.dumps({"model": "m", "messages": talk[:count]})


def _openhands(count: int, talk: list[dict[str, str]]) -> str:
    events: list[dict[str, Any]] = [
        {
            "id": at,
            "source": "user" if it["role"] == "user" else "agent",
            "action": "message",
            "args": {"content": it["content"]},
            "timestamp": f"2026-01-01T00:00:0{at}",
        }
        for at, it in enumerate(talk[:count])
    ]
    return json.dumps(events)


def _swe_agent(count: int, talk: list[dict[str, str]]) -> str:
    step = {
        "action": "ls",
        "observation": "a.py",
        "response": "I look.",
        "thought": "",
        "state": {},
    }
    return json.dumps({"trajectory": [step], "history": talk[:count], "info": {}})


_FORMS: dict[str, tuple[str, Callable[[int, list[dict[str, str]]], str]]] = {
    "openai, lines": ("a.jsonl", _lines),
    "openai, a list": ("a.json", _list),
    "openai, wrapped": ("a.json", _wrapped),
    "openhands": ("a.json", _openhands),
    "grok": ("chat_history.jsonl", _grok),
}


def _format(name: str) -> str:
    return name.partition(",")[0]


@pytest.fixture(params=_FORMS)
def form(request: pytest.FixtureRequest) -> str:
    """The name of a form."""
    name: str = request.param
    return name


def _messages(journal: Path) -> list[tuple[str, Any]]:
    return [
        (entry.event.session, entry.event.data["content"])
        for entry in read(journal)
        if entry.event.type == "message.appended"
    ]


def _write(form: str, folder: Path, count: int, talk: list[dict[str, str]] = _TALK) -> Path:
    name, text = _FORMS[form]
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text(count, talk), encoding="utf-8")
    return folder / name


def _is_nothing_new(report: Report) -> bool:
    new = (report.messages, report.events, report.conflicts, report.gone, report.returned)
    return not any(new) and not report.errors


def test_a_moved_file_is_the_same_conversation(form: str, tmp_path: Path) -> None:
    """Nothing is appended, at once and at the next import; then what is new is."""
    journal, first, second = tmp_path / "journal", tmp_path / "first", tmp_path / "second"
    _write(form, first, 3)
    assert run(journal, tmp_path / "first", format=_format(form)).messages == 3
    known = _messages(journal)
    first.rename(second)
    for _ in range(2):
        assert _is_nothing_new(run(journal, second, format=_format(form)))
    _write(form, second, 5)
    report = run(journal, second, format=_format(form))
    assert (report.messages, report.conflicts) == (2, 0)
    second.rename(first)
    assert _is_nothing_new(run(journal, first, format=_format(form)))
    assert {session for session, _ in _messages(journal)} == {known[0][0]}
    assert [text for _, text in _messages(journal)] == [it["content"] for it in _TALK]


def test_a_file_that_was_moved_and_has_grown_is_continued(form: str, tmp_path: Path) -> None:
    """It begins with what was imported, and the first file is not there."""
    journal, first, second = tmp_path / "journal", tmp_path / "first", tmp_path / "second"
    _write(form, first, 3)
    run(journal, first, format=_format(form))
    first.rename(second)
    _write(form, second, 5)
    report = run(journal, second, format=_format(form))
    assert (report.messages, report.conflicts) == (2, 0)
    assert len({session for session, _ in _messages(journal)}) == 1


def test_a_copy_adds_nothing_until_it_goes_its_own_way(form: str, tmp_path: Path) -> None:
    """Then it is a conversation of its own, and nothing of either is lost."""
    journal, first, second = tmp_path / "journal", tmp_path / "first", tmp_path / "second"
    _write(form, first, 3)
    run(journal, first, format=_format(form))
    shutil.copytree(first, second)
    report = run(journal, first, second, format=_format(form))
    assert _is_nothing_new(report)
    other = [*_TALK[:3], {"role": "user", "content": "Darker."}]
    _write(form, second, 4, other)
    _write(form, first, 4)
    report = run(journal, first, second, format=_format(form))
    assert report.conflicts == 0
    texts: dict[str, list[Any]] = {}
    for session, text in _messages(journal):
        texts.setdefault(session, []).append(text)
    assert sorted(texts.values()) == sorted(
        [[it["content"] for it in _TALK[:4]], [it["content"] for it in other]]
    )
    assert _is_nothing_new(run(journal, first, second, format=_format(form)))


def test_conversations_that_begin_alike_stay_apart(form: str, tmp_path: Path) -> None:
    """One prompt in common is not enough, nor are more while the first file is there."""
    journal, first, second = tmp_path / "journal", tmp_path / "first", tmp_path / "second"
    _write(form, first, 1)
    run(journal, first, format=_format(form))
    first.rename(tmp_path / "gone")
    _write(form, second, 3)
    run(journal, second, format=_format(form))
    assert len({session for session, _ in _messages(journal)}) == 2

    third, fourth = tmp_path / "third", tmp_path / "fourth"
    talk = [{**message, "content": f"Now {message['content']}"} for message in _TALK]
    _write(form, third, 3, talk)
    run(journal, third, format=_format(form))
    _write(form, fourth, 5, talk)
    run(journal, third, fourth, format=_format(form))
    assert len({session for session, _ in _messages(journal)}) == 4


def test_a_moved_trajectory_of_swe_agent_is_the_same(tmp_path: Path) -> None:
    """Its times are guessed from its file, and a copy has another."""
    journal, first, second = tmp_path / "journal", tmp_path / "first", tmp_path / "second"
    first.mkdir()
    (first / "a.traj").write_text(_swe_agent(3, _TALK), encoding="utf-8")
    assert run(journal, first).messages
    shutil.copytree(first, second, copy_function=shutil.copyfile)
    assert _is_nothing_new(run(journal, second))
    shutil.rmtree(first)
    second.rename(tmp_path / "third")
    assert _is_nothing_new(run(journal, tmp_path / "third"))


def test_hints_of_an_earlier_version_are_read_again_once(tmp_path: Path) -> None:
    """They do not say which name the path gave; the next import notes it."""
    journal, first = tmp_path / "journal", tmp_path / "first"
    _write("openai, a list", first, 3)
    run(journal, first)
    [hint] = [file for file in (journal / "imports").iterdir() if file.suffix == ".json"]
    found = json.loads(hint.read_bytes())
    assert found.pop("place")
    assert found.pop("start")
    hint.write_text(json.dumps(found), encoding="utf-8")
    assert _is_nothing_new(run(journal, first))
    first.rename(tmp_path / "second")
    assert _is_nothing_new(run(journal, tmp_path / "second"))


def test_a_forgotten_conversation_is_not_named(tmp_path: Path) -> None:
    """The name of a place is the beginning of the ids of its sessions."""
    journal, first = tmp_path / "journal", tmp_path / "first"
    _write("openai, a list", first, 3)
    run(journal, first)
    ledger = Ledger(journal / "imports")
    ledger.prune((), lambda _session: True)
    [name] = ledger.names()
    entry = ledger.entry(name)
    assert entry is not None
    assert (entry.sessions, entry.place, entry.is_forgotten) == ("", "", True)


def _forget(journal: Path) -> str:
    """Forget the only session of a journal; return its id."""
    [session] = {session for session, _ in _messages(journal)}
    forget(journal, plan(journal, Selection(sessions=(session,))))
    return session


def _is_left_out(journal: Path, *paths: Path, form: str, reread: bool = False) -> bool:
    """Import; return whether the files are counted as forgotten, and nothing was written."""
    report = run(journal, *paths, format=_format(form), reread=reread)
    return report.forgotten > 0 and _is_nothing_new(report) and not _messages(journal)


def test_a_forgotten_conversation_stays_so_where_its_file_is_moved(
    form: str, tmp_path: Path
) -> None:
    """Also as a copy, where it has grown, and if it is read again from the beginning."""
    journal, first, second = tmp_path / "journal", tmp_path / "first", tmp_path / "second"
    _write(form, first, 3)
    run(journal, first, format=_format(form))
    session = _forget(journal)
    for hint in (journal / "imports").iterdir():
        assert session.encode() not in hint.read_bytes()
    shutil.copytree(first, second)
    assert _is_left_out(journal, second, form=form)
    shutil.rmtree(second)
    first.rename(second)
    assert _is_left_out(journal, second, form=form)
    _write(form, second, 5)
    assert _is_left_out(journal, second, form=form)
    assert _is_left_out(journal, second, form=form, reread=True)


def test_a_conversation_that_was_moved_before_it_was_forgotten_stays_so(
    form: str, tmp_path: Path
) -> None:
    """The name of its first place is gone, and that of the second was never forgotten."""
    journal, first, second = tmp_path / "journal", tmp_path / "first", tmp_path / "second"
    _write(form, first, 3)
    run(journal, first, format=_format(form))
    first.rename(second)
    run(journal, second, format=_format(form))
    _forget(journal)
    assert _is_left_out(journal, second, form=form, reread=True)
    _write(form, second, 5)
    assert _is_left_out(journal, second, form=form)


def test_another_conversation_in_the_place_of_a_forgotten_one_is_imported(tmp_path: Path) -> None:
    """It does not begin as the forgotten one did, and the name of its path was never used."""
    form = "openai, a list"
    journal, first, second = tmp_path / "journal", tmp_path / "first", tmp_path / "second"
    _write(form, first, 3)
    run(journal, first, format="openai")
    first.rename(second)
    run(journal, second, format="openai")
    _forget(journal)
    _write(form, second, 3, [{**message, "content": "Other."} for message in _TALK])
    assert run(journal, second, format="openai").messages == 3
