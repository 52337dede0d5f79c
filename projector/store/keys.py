"""Key-values and claims."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from journal.format.event_types import KEY_DELETED
from journal.format.lossless import check_text
from projector.store.claims import (
    Claim,
    key_event,
    key_value,
    key_values,
    leaving,
    standing,
    taking,
)
from projector.store.own import Own

if TYPE_CHECKING:
    import apsw

KEYS = "@keys"
"""The session that key-values are kept in unless another namespace is named."""


class _Absent:
    """Stands for a key that has no value."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""What `compare_and_set` expects where there must be no value."""


class Keys(Own):
    """Key-values in namespaces, and claims. Values are anything that JSON holds."""

    def set(self, key: str, value: Any, *, namespace: str = KEYS) -> None:  # noqa: ANN401 - any JSON
        """Give a key a value; the last writer wins.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `create`.
        """
        self.add([key_event(namespace, key, value)])

    def unset(self, key: str, *, namespace: str = KEYS) -> None:
        """Take a key's value away.

        Raises:
            EventError, AppendError, SyncError, ClosedError: as `create`.
        """
        self._add(namespace, KEY_DELETED, {"key": key})

    def get(self, key: str, default: Any = None, *, namespace: str = KEYS) -> Any:  # noqa: ANN401 - any JSON
        """Return the value of a key; `default` if it has none.

        Raises:
            NotProjected, ProjectionError: as `read`.
        """
        return self.read(lambda db: key_value(db, namespace, key, default))[0]

    def items(self, namespace: str = KEYS) -> dict[str, Any]:
        """Return all keys that have a value, sorted, and their values.

        Raises:
            NotProjected, ProjectionError: as `read`.
        """
        return self.read(lambda db: key_values(db, namespace))[0]

    def compare_and_set(
        self,
        key: str,
        value: Any,  # noqa: ANN401 - any JSON
        *,
        expected: Any,  # noqa: ANN401 - any JSON
        namespace: str = KEYS,
    ) -> bool:
        """Give a key a value if it has the expected one; of many who try, one succeeds.

        Args:
            key: the key.
            value: its new value.
            expected: its present value; `ABSENT` if it must have none.
            namespace: the namespace of the key.

        Returns:
            Whether it was set.

        Raises:
            ArbiterBusy, NotProjected: as `decide`.
        """
        check_text("key", key)
        check_text("namespace", namespace)

        def question(db: apsw.Connection) -> tuple[bool, list[dict[str, Any]]]:
            is_so = key_value(db, namespace, key, ABSENT) == expected
            return is_so, [key_event(namespace, key, value)] if is_so else []

        return self.decide(question)

    def claim(self, name: str, *, holder: str, seconds: float) -> Claim | None:
        """Claim a thing for a while; of many who try, one succeeds.

        Args:
            name: of the thing.
            holder: who claims it; the same holder is refused too while its claim stands.
            seconds: how long the claim stands unless it is renewed.

        Returns:
            The claim; None if somebody holds the thing. Its token is larger than any before.

        Raises:
            ArbiterBusy, NotProjected: as `decide`.
        """
        check_text("name", name)
        check_text("holder", holder)

        def question(db: apsw.Connection) -> tuple[Claim | None, list[dict[str, Any]]]:
            held, token = standing(db, name)
            if held is not None:
                return None, []
            claim, event = taking(name, holder, token + 1, seconds)
            return claim, [event]

        return self.decide(question)

    def renew(self, claim: Claim, *, seconds: float) -> Claim | None:
        """Let a claim stand longer, from now on.

        Returns:
            The claim with its new end; None if it no longer stands: it ran out, and perhaps
            somebody else has the thing.

        Raises:
            ArbiterBusy, NotProjected: as `decide`.
        """

        def question(db: apsw.Connection) -> tuple[Claim | None, list[dict[str, Any]]]:
            held, token = standing(db, claim.name)
            if held is None or token != claim.token:
                return None, []
            renewed, event = taking(claim.name, claim.holder, claim.token, seconds)
            return renewed, [event]

        return self.decide(question)

    def release(self, claim: Claim) -> bool:
        """Give a claim up; say whether it still stood.

        Raises:
            ArbiterBusy, NotProjected: as `decide`.
        """

        def question(db: apsw.Connection) -> tuple[bool, list[dict[str, Any]]]:
            held, token = standing(db, claim.name)
            stands = held is not None and token == claim.token
            return stands, [leaving(claim)] if stands else []

        return self.decide(question)

    def holder(self, name: str) -> Claim | None:
        """Return the claim that stands on a thing; None if there is none.

        Raises:
            NotProjected, ProjectionError: as `read`.
        """
        return self.read(lambda db: standing(db, name)[0])[0]
