"""Windows of messages: whatever the place, they fit together to the whole session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from projector.errors import NotFound
from projector.projection import Projection
from projector.views.browsing.changes import count_changes, end_of
from projector.views.browsing.message_window import (
    find,
    key_at,
    key_of,
    place_of,
    views_from,
    views_of,
    window,
    window_before,
)
from projector.views.browsing.prompts import Focus, focus, prompts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import apsw

_MANY = 25
_SAME = 1_700_000_000_000_000


def _write(path: Path, *, same_time: bool = False) -> list[str]:
    """Write a session with a prompt before each four answers; return the ids in order."""
    with Journal.open(path) as journal:
        for number in range(_MANY):
            role = "user" if number % 5 == 0 else "assistant"
            time: dict[str, Any] = {"timestamp": _SAME} if same_time else {}
            journal.append_message("s1", role, f"text {number}", id=f"m{number:02}", **time)
    with Projection.open(path) as projection:
        return [view.id for view in projection.messages("s1")]


def _ask(path: Path, query: Callable[[apsw.Connection], Any]) -> Any:  # noqa: ANN401 - of the query
    with Projection.open(path) as projection:
        return projection.read(query)[0]


@pytest.mark.parametrize("same_time", [False, True])
@pytest.mark.parametrize("size", [1, 7, _MANY, 100])
def test_windows_fit_together(journal_dir: Path, size: int, *, same_time: bool) -> None:
    """One after the other by places, and one before the other by keys, they are the session."""
    ids = _write(journal_dir, same_time=same_time)

    def forwards(db: apsw.Connection) -> list[str]:
        session, found, place = find(db, "s1"), [], 1
        while (key := key_at(db, session, place)) is not None:
            part = window(db, session, key, size)
            assert part.place == place
            assert (part.before, part.after) == (place > 1, place + size <= _MANY)
            assert part.total == _MANY
            found += [view.id for view in part.views]
            place += len(part.views)
        return found

    def backwards(db: apsw.Connection) -> list[str]:
        session, found, key = find(db, "s1"), list[str](), None
        while True:
            part = window_before(db, session, key, size)
            found = [view.id for view in part.views] + found
            if not part.before:
                return found
            key = key_of(db, session, part.views[0].id)

    assert _ask(journal_dir, forwards) == ids
    assert _ask(journal_dir, backwards) == ids


def test_a_window_around_a_message(journal_dir: Path) -> None:
    """Some messages before the one that is asked for, and the rest of the window after it."""
    ids = _write(journal_dir)

    def ask(db: apsw.Connection) -> list[str]:
        session = find(db, "s1")
        key = key_of(db, session, ids[10])
        assert place_of(db, session, key) == 11
        return [view.id for view in window(db, session, key, 6, back=2).views]

    assert _ask(journal_dir, ask) == ids[8:14]


@pytest.mark.parametrize("same_time", [False, True])
def test_messages_between_two_of_them(journal_dir: Path, *, same_time: bool) -> None:
    """Both are among them, and none that is behind the last one."""
    ids = _write(journal_dir, same_time=same_time)

    def ask(db: apsw.Connection) -> list[str]:
        session = find(db, "s1")
        start, end = key_of(db, session, ids[4]), key_of(db, session, ids[9])
        return [view.id for view in views_from(db, session, start, 100, end)]

    assert _ask(journal_dir, ask) == ids[4:10]


def test_changes_are_counted_and_what_is_appended_is_not(journal_dir: Path) -> None:
    """Revisions and removals count; a message, a title and usage do not."""
    _write(journal_dir)

    def count() -> int:
        return int(_ask(journal_dir, lambda db: count_changes(db, find(db, "s1"))))

    known = count()
    with Journal.open(journal_dir) as journal:
        for type, data, more in (
            ("message.appended", {"role": "user", "content": "hello"}, 0),
            ("session.titled", {"title": "a title"}, 0),
            ("usage.added", {"input_tokens": 3}, 0),
            ("message.revised", {"message": "m01", "content": "in other words"}, 1),
            ("message.removed", {"messages": ["m02"]}, 1),
            ("message.archived", {"messages": ["m03"]}, 1),
            ("session.cleared", {}, 1),
        ):
            journal.append(session="s1", type=type, data=data)
            journal.append(session="s2", type="message.removed", data={"messages": ["m02"]})
            assert count() - known == more, type
            known += more


def test_what_is_removed_is_in_no_window(journal_dir: Path) -> None:
    """It keeps its place, and no window has it; by its id it is not found."""
    ids = _write(journal_dir)
    with Journal.open(journal_dir) as journal:
        journal.append(session="s1", type="message.removed", data={"messages": [ids[3]]})

    def ask(db: apsw.Connection) -> list[str]:
        session = find(db, "s1")
        with pytest.raises(NotFound):
            key_of(db, session, ids[3])
        assert views_of(db, session, ids[2:5]) != ()
        return [view.id for view in window(db, session, None, 5).views]

    assert _ask(journal_dir, ask) == [*ids[:3], *ids[4:6]]


def test_prompts_are_what_persons_wrote(journal_dir: Path) -> None:
    """From a message on and before it, in order; what a machine wrote in their place is none."""
    ids = _write(journal_dir)
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", "a reminder", id="z1", meta="reminder")
        parts = [{"type": "image"}, {"type": "text", "text": "what is this?"}]
        journal.append_message("s1", "user", parts, id="z2")

    def ask(db: apsw.Connection) -> tuple[list[str], list[str], list[str]]:
        session = find(db, "s1")
        key = key_of(db, session, ids[10])
        after, before = (prompts(db, session, key, 10, side) for side in ("from", "before"))
        near = prompts(db, session, key, 1, "before")
        return [p.text for p in after], [p.id for p in before], [p.id for p in near]

    after, before, near = _ask(journal_dir, ask)
    assert after == ["text 10", "text 15", "text 20", "what is this?"]
    assert before == [ids[0], ids[5]]
    assert near == [ids[5]]


def test_the_focus_is_on_prompts_and_last_answers(journal_dir: Path) -> None:
    """Each prompt with what was answered last; a limit ends before a prompt."""
    ids = _write(journal_dir)

    def ask(db: apsw.Connection) -> tuple[Focus, Focus]:
        session = find(db, "s1")
        return focus(db, session, None, 100), focus(db, session, None, 4)

    whole, part = _ask(journal_dir, ask)
    assert whole == Focus(tuple(ids[at] for at in (0, 4, 5, 9, 10, 14, 15, 19, 20, 24)), None)
    assert part == Focus(tuple(ids[at] for at in (0, 4, 5, 9)), ids[10])


def test_the_end_of_a_session(journal_dir: Path) -> None:
    """How many messages it has, and the last of them; an unknown session is an error."""
    ids = _write(journal_dir)
    assert _ask(journal_dir, lambda db: end_of(db, find(db, "s1"))) == (_MANY, ids[-1])
    with pytest.raises(NotFound, match="no session has the id"):
        _ask(journal_dir, lambda db: find(db, "s2"))
