"""Key-values in namespaces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson

from journal.errors import EventError
from journal.format.bounds import KEY_LIMIT, is_key
from journal.format.event_types import KEY_DELETED, KEY_SET
from journal.format.lossless import check_json, check_text
from journal.format.new_event import checked, new_event
from journal.format.record import refusal
from projector.arguments import check_callable
from projector.errors import QueryError
from projector.fold.sessions import canonical
from projector.store.deciding.values import VALUES, key_value, key_values

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import apsw

    from projector.store.handle import Handle

Answer = TypeVar("Answer")
Decided = Callable[["KeyView"], tuple[Answer, list[dict[str, Any]]]]

KEYS = "@keys"
"""The session that key-values are kept in unless another namespace is named."""


class _Absent:
    """The value of a key that has none."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __reduce__(self) -> str:
        return "ABSENT"  # a copy, or what pickle reads, is the same object


ABSENT: Final = _Absent()
"""What `compare_and_set` expects where there must be no value."""


@dataclass(frozen=True, slots=True)
class KeyView:
    """The key-values of one snapshot, as `Keys.ask` and `Keys.decide` give them to a question.

    Keys are sorted by their code points. A range is bounded by a beginning that its keys have, and
    perhaps by a key that it is before; `limit` is how many are read at most.

    ::

        store.keys.ask(lambda keys: keys.get_many(keys.names("job/")))
        store.keys.ask(lambda keys: keys.namespaces("@job"))
    """

    db: apsw.Connection

    def get(self, key: str, default: Any = None, *, namespace: str = KEYS) -> Any:  # noqa: ANN401 - any JSON
        """Return the value of a key; `default` if it has none."""
        return key_value(self.db, namespace, key, default)

    def get_many(self, keys: Iterable[str], *, namespace: str = KEYS) -> dict[str, Any]:
        """Return the values of those keys that have one."""
        query = f"{VALUES} AND k.key IN (SELECT value FROM json_each(?))"
        found = self.db.execute(query, (namespace, orjson.dumps(list(keys)).decode()))
        return {key: orjson.loads(value) for key, value in found}

    def items(
        self,
        prefix: str = "",
        *,
        namespace: str = KEYS,
        before: str | None = None,
        limit: int = -1,
        last_first: bool = False,
    ) -> dict[str, Any]:
        """Return the keys that begin with a text, and their values, in order.

        Args:
            prefix: the text.
            namespace: the namespace of the keys.
            before: only keys that are sorted before this one.
            limit: at most so many; all if it is below 0.
            last_first: the last key first.
        """
        query = f"{VALUES} AND k.key >= ? AND k.key < ?"
        until = _end(prefix) if before is None else min(before, _end(prefix))
        query += f" ORDER BY k.key {'DESC' if last_first else 'ASC'} LIMIT ?"
        found = self.db.execute(query, (namespace, prefix, until, limit))
        return {key: orjson.loads(value) for key, value in found}

    def names(self, prefix: str = "", *, namespace: str = KEYS) -> list[str]:
        """Return the keys that begin with a text and have a value, sorted, without the values."""
        query = (
            "SELECT k.key FROM _keys k JOIN _sessions s ON s.id = k.session WHERE s.session = ?"
            " AND k.value IS NOT NULL AND k.key >= ? AND k.key < ? ORDER BY k.key"
        )
        return [key for (key,) in self.db.execute(query, (namespace, prefix, _end(prefix)))]

    def namespaces(self, prefix: str = "@") -> list[str]:
        """Return the namespaces that begin with a text and have a key with a value, sorted."""
        query = (
            "SELECT session FROM _sessions s WHERE session >= ? AND session < ? AND EXISTS"
            " (SELECT 1 FROM _keys WHERE session = s.id AND value IS NOT NULL) ORDER BY session"
        )
        return [name for (name,) in self.db.execute(query, (prefix, _end(prefix)))]


class Keys:
    """Key-values of a store, as `SessionStore.keys`. Values are anything that JSON holds, null too.

    ::

        store.keys.set("theme", "dark")
        print(store.keys.get("theme"), store.keys.items())
        store.keys.compare_and_set("schema", 2, expected=ABSENT)  # of many who try, one gets True
        store.keys.delete("theme")
        print(store.keys.ask(lambda keys: keys.items("job/", limit=10, last_first=True)))
        store.keys.decide(lambda keys: (len(keys.names("job/")), []))  # and events to append

    Keys belong to a namespace, whose name begins with `@`. A key is text that is not empty.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def set(self, key: str, value: Any, *, namespace: str = KEYS) -> None:  # noqa: ANN401 - any JSON
        """Set the value of a key, whatever value it has; the last writer wins.

        It takes no lock. So a `compare_and_set` of the same key can overwrite this value without
        having seen it, if `set` comes between its comparison and its append. Where no value may be
        lost, every writer must use `compare_and_set`.

        Raises:
            EventError: the key or the namespace is invalid, or the value cannot be stored as it
                is; nothing was written.
            ClockError, AppendError, SyncError, ClosedError: as `Journal.append`.
        """
        self._handle.add([_checked_event(namespace, key, value)])

    def delete(self, key: str, *, namespace: str = KEYS) -> None:
        """Delete a key; the last writer wins, as with `set`.

        Raises:
            EventError, ClockError, AppendError, SyncError, ClosedError: as `set`.
        """
        _check_key(namespace, key)
        self._handle.add([new_event(namespace, KEY_DELETED, {"key": key})])

    def get(self, key: str, default: Any = None, *, namespace: str = KEYS) -> Any:  # noqa: ANN401 - any JSON
        """Return the value of a key; `default` if it has none.

        Raises:
            QueryError: the key or the namespace is invalid.
            NotProjected, ProjectionError, ReadError, ClosedError: as `SessionStore.read`.
        """
        _check_key(namespace, key, QueryError)
        read = self._handle.read
        return read(lambda db: key_value(db, namespace, key, default), sessions=[namespace])[0]

    def items(self, namespace: str = KEYS) -> dict[str, Any]:
        """Return all keys that have a value, sorted, and their values.

        Raises:
            QueryError: the namespace is invalid.
            NotProjected, ProjectionError, ReadError, ClosedError: as `SessionStore.read`.
        """
        _check_namespace(namespace, QueryError)
        return self._handle.read(lambda db: key_values(db, namespace), sessions=[namespace])[0]

    def ask(
        self, question: Callable[[KeyView], Answer], *, namespaces: Collection[str] | None = None
    ) -> Answer:
        """Return the answer to a question about one snapshot, however many reads it takes.

        The snapshot has all that any process had appended at the call.

        Args:
            question: asked perhaps twice.
            namespaces: those that it reads, if no others: that is quicker. None means all.

        Raises:
            EventError: `question` is no function.
            NotProjected: a projector runs, and is too far behind for that.
            QueryTimeout, ProjectionError, ReadError, ClosedError: as `SessionStore.read`.
        """
        check_callable("question", question, EventError)
        return self._handle.read_all(lambda db: question(KeyView(db)), sessions=namespaces)

    def decide(
        self, question: Decided[Answer], *, namespaces: Collection[str] | None = None
    ) -> Answer:
        """Compare key-values and append any events, one process at a time: `SessionStore.decide`.

        Args:
            question: asked perhaps twice; returns the answer and the events to append.
            namespaces: as for `ask`.

        Raises:
            EventError, ArbiterBusy, NotProjected: as `SessionStore.decide`.
        """
        check_callable("question", question, EventError)
        return self._handle.decide(lambda db: question(KeyView(db)), sessions=namespaces)

    def compare_and_set(
        self,
        key: str,
        value: Any,  # noqa: ANN401 - any JSON
        *,
        expected: Any,  # noqa: ANN401 - any JSON
        namespace: str = KEYS,
    ) -> bool:
        """Set the value of a key if it has the expected one; of several that try, one succeeds.

        Only calls of `compare_and_set` exclude each other. A `set` or `delete` of the same key
        takes no lock: if it comes between the comparison and the append, it is overwritten,
        although this returns True.

        Args:
            key: the key.
            value: its new value.
            expected: its present value; `ABSENT` if it must have none. Values are compared as
                JSON: `true`, `1` and `1.0` are three values.
            namespace: the namespace of the key.

        Returns:
            Whether it was set.

        Raises:
            EventError: the key or the namespace is invalid, `value` cannot be stored as it is, or
                `expected` is no JSON; nothing was written.
            ArbiterBusy, NotProjected: as `SessionStore.decide`.
        """
        event = _checked_event(namespace, key, value)
        wanted = None
        if expected is not ABSENT:
            check_json("expected", expected)
            wanted = canonical(expected)

        def question(db: apsw.Connection) -> tuple[bool, list[dict[str, Any]]]:
            found = key_value(db, namespace, key, ABSENT)
            # to Python's ==, true and 1 are equal, and 1 and 1.0
            is_expected = (None if found is ABSENT else canonical(found)) == wanted
            return is_expected, [event] if is_expected else []

        return self._handle.decide(question, sessions=[namespace])


def _check_key(namespace: str, key: str, error: type[ValueError] = EventError) -> None:
    _check_namespace(namespace, error)
    check_text("key", key, error)
    if not key:
        raise error("key must not be empty")


def _check_namespace(namespace: str, error: type[ValueError]) -> None:
    check_text("namespace", namespace, error)
    if not is_key(namespace) or not namespace.startswith("@"):
        raise error(
            f"namespace must be a string of 1 to {KEY_LIMIT} characters that begins with '@',"
            f" not {namespace!r:.60}"
        )


def _checked_event(namespace: str, key: str, value: object) -> dict[str, Any]:
    """Return the event that sets a key, after all is checked that an append would refuse."""
    _check_key(namespace, key)
    check_json("value", value)
    event = key_event(namespace, key, value)
    check_storable(event)
    return event


def check_storable(event: dict[str, Any]) -> None:
    """Refuse an event that no record can hold, before anything is decided.

    Raises:
        EventError: the message is the reason.
    """
    new = checked(event["session"], None, event["type"], event["data"])
    if (reason := refusal(*new)) is not None:
        raise EventError(f"{reason}; nothing was written")


def key_event(namespace: str, key: str, value: object) -> dict[str, Any]:
    """Return the event that sets a key."""
    return new_event(namespace, KEY_SET, {"key": key, "value": value})


def _end(prefix: str) -> str:
    """Return a text that is sorted behind every text that begins with the prefix."""
    return prefix + "\U0010ffff"
