"""What the writers say, and what requests leave of it. Pure.

A writer's n-th message is always the same, in each of its lives. Some messages are replays: they
repeat an earlier one in another session, so a request that names one of them takes both.
"""

from __future__ import annotations

import random
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Key = tuple[str, str]
"""Session and id of a message."""
Fate = Literal["gone", "kept", "either"]

_SESSION = 40
"""Messages of a writer in one session."""
_REPLAYED = 20
"""Of so many messages one is a replay."""
_BEFORE = 10
"""How many messages before a replay the replayed one is."""
_FORK = 200
"""Messages of a writer whose replays are in one session."""
_EPOCH = 1_700_000_000_000_000


def message(writer: str, number: int, bulk: int = 0) -> dict[str, Any]:
    """Return a writer's n-th message as an event.

    Args:
        writer: its name.
        number: from 0 on.
        bulk: characters that the message carries besides.
    """
    first = _origin(number)
    draw = random.Random(f"{writer} {first}")
    words = draw.choices(["alpha", "beta", "gamma", "北京", "안녕"], k=draw.randint(1, 6))
    said = word(writer, number)
    data: dict[str, Any] = {
        "role": draw.choice(["user", "assistant"]),
        "content": " ".join([said, *words]),
        "timestamp": _EPOCH + first * 1_000_003 + _number(writer),
    }
    if draw.random() < 0.3:
        data["extra"] = {"note": [said]}
    if draw.random() < 0.2:
        call = {"name": "grep", "arguments": f'{{"pattern": "{said}"}}'}
        data["tool_calls"] = [{"id": "c", "type": "function", "function": call}]
    if bulk:
        data.setdefault("extra", {})["bulk"] = "x" * bulk
    session, id = key(writer, number)
    return {"session": session, "id": id, "type": "message.appended", "data": data}


def title(writer: str, number: int) -> dict[str, Any] | None:
    """Return the title of the session that begins with a writer's n-th message; None if none."""
    if number % _SESSION:
        return None
    session, _ = key(writer, number)
    data = {"title": f"About {session_word(session)}"}
    return {"session": session, "id": "title", "type": "session.titled", "data": data}


def key(writer: str, number: int) -> Key:
    """Return session and id of a writer's n-th message."""
    session = (
        f"{writer}-f{number // _FORK:05}" if _is_replay(number) else _home(writer, _origin(number))
    )
    return session, f"{writer}-{number:07}"


def word(writer: str, number: int) -> str:
    """Return the word that only a message and its replay contain."""
    return f"z{_digits(f'{writer} {_origin(number)}')}"


def session_word(session: str) -> str:
    """Return the word that only the title of a session contains."""
    return f"z{_digits(session)}"


def words_in(session: str) -> list[str]:
    """Return the words of all messages that a session will ever have."""
    writer, _, which = session.rpartition("-")
    size = _SESSION if which[0] == "s" else _FORK
    first = int(which[1:]) * size
    numbers = range(first, first + size)
    return [word(writer, each) for each in numbers if key(writer, each)[0] == session]


def place(id: str) -> tuple[str, int]:
    """Return the writer and the number of a message, given its id."""
    writer, _, number = id.rpartition("-")
    return writer, int(number)


def same(id: str) -> set[Key]:
    """Return the keys of a message, of the one that it replays, and of its replay."""
    writer, number = place(id)
    first = _origin(number)
    numbers = [first, *([first + _BEFORE] if _is_replay(first + _BEFORE) else [])]
    return {key(writer, each) for each in numbers}


class Named:
    """What requests name.

    Args:
        sessions: ids of sessions.
        keys: keys of single messages.
    """

    def __init__(self, sessions: Iterable[str], keys: Iterable[Key]) -> None:
        self.sessions = frozenset(sessions)
        self._keys = frozenset(each for _, id in keys for each in same(id))

    def fate(self, key: Key) -> Fate:
        """Return the state that a message must have.

        Of a message that another session repeats either may be: whether a request for the whole
        other session names it depends on what had been appended to that session.
        """
        if key[0] in self.sessions or key in self._keys:
            return "gone"
        others = same(key[1]) - {key}
        return "either" if any(session in self.sessions for session, _ in others) else "kept"

    def words(self) -> Iterator[str]:
        """Yield the words of single messages that are gone, whatever else is named."""
        for _, id in self._keys:
            yield word(*place(id))


def _is_replay(number: int) -> bool:
    return number % _REPLAYED == _REPLAYED - 1


def _origin(number: int) -> int:
    return number - _BEFORE if _is_replay(number) else number


def _home(writer: str, number: int) -> str:
    return f"{writer}-s{number // _SESSION:05}"


def _number(writer: str) -> int:
    return int.from_bytes(blake2b(writer.encode(), digest_size=2).digest())


def _digits(text: str) -> str:
    # long: the index leaves out of a word what it has in common with the word before it
    return blake2b(text.encode(), digest_size=12).hexdigest()
